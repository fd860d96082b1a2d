"""What compressing and decompressing did, as JSON. Shapes: docs/json.md."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from rollout.store.compressing import Compressed, Outcome, Thawed
from rollout.store.summary import Problem, problem_of


class CompressedFile(Struct, frozen=True, rename="camel"):
    """What became of one rollout. `compressed_bytes` is null where nothing was packed."""

    thread_id: str
    rollout_id: str
    path: str
    outcome: str
    size_bytes: int
    compressed_bytes: int | None
    reason: str | None
    problem: Problem | None


class Compression(Struct, frozen=True, rename="camel"):
    """The answer to compressing. The sums are over what was sealed, or would be."""

    files: list[CompressedFile]
    bytes_before: int
    bytes_after: int


class Decompression(Struct, frozen=True, rename="camel"):
    """The answer to decompressing: where the rollouts are that were compressed."""

    thread_id: str
    paths: list[str]


def compression(found: Iterable[Compressed]) -> Compression:
    """Return the public shape of what compressing did."""
    files = list(found)
    packed = [one for one in files if one.outcome in {Outcome.COMPRESSED, Outcome.PLANNED}]
    return Compression(
        [_file(one) for one in files],
        sum(one.size_bytes for one in packed),
        sum(one.packed_bytes or 0 for one in packed),
    )


def _file(one: Compressed) -> CompressedFile:
    problem = problem_of(one.error) if one.error is not None else None
    return CompressedFile(
        one.thread_id,
        one.rollout_id,
        one.path,
        one.outcome.value,
        one.size_bytes,
        one.packed_bytes,
        one.reason,
        problem,
    )


def decompression(found: Thawed) -> Decompression:
    """Return the public shape of what decompressing did."""
    return Decompression(found.thread_id, found.paths)
