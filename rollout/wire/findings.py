"""What a check found, as JSON. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import Struct

from rollout.format.record import Damage
from rollout.store.check import FileCheck
from rollout.store.lineage_check import LineageCheck, SegmentCheck
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


class CheckedSegment(Struct, frozen=True, rename="camel"):
    """What a check of a lineage found in one segment."""

    rollout_id: str
    thread_id: str
    path: str
    bytes: int
    end_ordinal: int | None
    records: int
    sealed_bytes: int
    anchored_bytes: int
    unvouched_bytes: int
    has_anchor: bool
    damage: list[Damage]
    torn_tail: Damage | None


class CheckedLineage(Struct, frozen=True, rename="camel"):
    """The answer to a check of a lineage: every segment, oldest first, and the sums over all."""

    thread_id: str
    segments: list[CheckedSegment]
    bytes: int
    sealed_bytes: int
    anchored_bytes: int
    unvouched_bytes: int
    damaged_spans: int


def checked_lineage(check: LineageCheck) -> CheckedLineage:
    """Return the public shape of what a check of a lineage found."""
    segments = [_checked_segment(one) for one in check.segments]
    return CheckedLineage(
        check.thread_id,
        segments,
        sum(one.bytes for one in segments),
        sum(one.sealed_bytes for one in segments),
        sum(one.anchored_bytes for one in segments),
        sum(one.unvouched_bytes for one in segments),
        len(check.damage),
    )


def _checked_segment(one: SegmentCheck) -> CheckedSegment:
    return CheckedSegment(
        one.rollout_id,
        one.thread_id,
        one.path,
        one.size_bytes,
        one.end_ordinal,
        one.records,
        one.sealed_bytes,
        one.anchored_bytes,
        one.unvouched_bytes,
        one.has_anchor,
        one.damage,
        one.torn_tail,
    )
