"""What a check found, as JSON. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import Struct

from rollout.format.record import Damage
from rollout.store.check import FileCheck
from rollout.store.listing import Finding
from rollout.store.summary import Problem


class CheckedFile(Struct, frozen=True, rename="camel"):
    """What a check found in one file."""

    path: str
    thread_id: str
    rollout_id: str
    bytes: int
    records: int
    damage: list[Damage]
    torn_tail: Damage | None
    passed_over: dict[str, int]
    problem: Problem | None


def checked_file(check: FileCheck) -> CheckedFile:
    """Return the public shape of what a check found."""
    return CheckedFile(
        check.path,
        check.thread_id,
        check.rollout_id,
        check.size_bytes,
        check.records,
        check.damage,
        check.torn_tail,
        check.passed_over,
        check.problem,
    )


class Checked(Struct, frozen=True, rename="camel"):
    """The answer to a check: every file that is not sound, and the sums over all."""

    data: list[CheckedFile]
    findings: list[Finding]
    files: int
    bytes: int
    records: int
    damaged_spans: int
