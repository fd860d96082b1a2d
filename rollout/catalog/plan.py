"""What a refresh has to do, decided from what the catalog knows and what the walk saw. Pure.

One stat a file decides: time and size equal is fresh, longer is an append, anything else is read anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from rollout.catalog.walk import Seen, Walk
from rollout.log.layout import COMPRESSED_SUFFIX, plain_path

_ANCHOR_BYTES: Final = 128 << 10
"""What it takes to see that a file holds the bytes that we know."""


class Known(Struct, frozen=True, gc=False):
    """A file as the catalog knows it. `is_refused`: the system did not let us read it last time."""

    file_id: int
    path: str
    size_bytes: int
    changed_ns: int
    inode: int
    watermark: int
    due: int
    revision: int
    is_refused: bool


class Why(StrEnum):
    """Why a file is read."""

    NEW = "new"
    GREW = "grew"
    SHRANK = "shrank"
    REPLACED = "replaced"
    REWRITTEN = "rewritten"
    DUE = "due"
    REFUSED = "refused"
    REPACKED = "repacked"


class Work(Struct, frozen=True):
    """One file to read. `Why.GREW` and `Why.REPACKED` are read from the watermark on, if the anchor holds."""

    seen: Seen
    known: Known | None
    why: Why

    @property
    def size_bytes(self) -> int:
        """How much there is to read, at most, by the size on disk."""
        if self.why is Why.REPACKED:
            return min(self.seen.size_bytes, _ANCHOR_BYTES)
        is_tail = self.why is Why.GREW and self.known is not None
        return self.seen.size_bytes - (self.known.watermark if is_tail and self.known else 0)


class Move(Struct, frozen=True):
    """A file that has another path and is otherwise the one we know."""

    seen: Seen
    known: Known


class Plan(Struct, frozen=True):
    """What to do: read these, newest first; give these their new path; let these go."""

    work: list[Work]
    moves: list[Move]
    vanished: list[Known]
    fresh: int


def find_work(seen: Seen, known: Known | None, wanted: int) -> Work | None:
    """Return what there is to do about one file, or None for a fresh one. `wanted` has a bit a domain."""
    why = _why(seen, known, wanted)
    return None if why is None else Work(seen, known, why)


def _why(seen: Seen, known: Known | None, wanted: int) -> Why | None:
    if known is None:
        return Why.NEW
    if seen.inode != known.inode:
        return Why.REPLACED
    if seen.size_bytes == known.size_bytes:
        if seen.changed_ns != known.changed_ns:
            return Why.REWRITTEN
        if known.is_refused:
            return Why.REFUSED
        return Why.DUE if known.due & wanted else None
    if seen.size_bytes < known.size_bytes:
        return Why.SHRANK
    if seen.path.endswith(COMPRESSED_SUFFIX) or known.watermark == 0:
        return Why.REWRITTEN
    return Why.GREW


def plan_refresh(known: dict[str, Known], walk: Walk, wanted: int) -> Plan:
    """Return what a refresh has to do.

    What lies in a folder that could not be listed is not gone: nothing is known of it.
    """
    work: list[Work] = []
    for path, seen in walk.files.items():
        row = known.get(path)
        # The fresh ones, nearly all, at the price of a few comparisons.
        if (
            row is not None
            and row.changed_ns == seen.changed_ns
            and row.size_bytes == seen.size_bytes
            and row.inode == seen.inode
            and not row.due & wanted
            and not row.is_refused
        ):
            continue
        found = find_work(seen, row, wanted)
        if found is not None:
            work.append(found)
    fresh = len(walk.files) - len(work)
    lost = [row for path, row in known.items() if path not in walk.files]
    if walk.unreadable_folders:
        lost = [row for row in lost if not _lies_in(row.path, walk.unreadable_folders)]
    # What is due is read in any case.
    moves = _find_moves(work, [row for row in lost if not row.due & wanted]) if lost else []
    if moves:
        new_paths = {move.seen.path for move in moves}
        old_paths = {move.known.path for move in moves}
        work = [one for one in work if one.seen.path not in new_paths]
        lost = [row for row in lost if row.path not in old_paths]
    repacked = _find_repacked(work, lost) if lost else []
    if repacked:
        by_path = {move.seen.path: move for move in repacked}
        old_paths = {move.known.path for move in repacked}
        work = [_repacked(by_path[one.seen.path]) if one.seen.path in by_path else one for one in work]
        lost = [row for row in lost if row.path not in old_paths]
        moves += repacked
    work.sort(key=lambda one: (one.seen.changed_ns, one.seen.path), reverse=True)
    return Plan(work, moves, lost, fresh)


def _lies_in(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _find_moves(work: list[Work], lost: list[Known]) -> list[Move]:
    """Return the new files that are lost ones under another folder: the same inode, time, size and name.

    Of one that could not be read, what is wrong names its path: it is read anew.
    """
    new = {one.seen.inode: one.seen for one in work if one.why is Why.NEW}
    moves = []
    for row in lost:
        seen = new.get(row.inode)
        if (
            seen is not None
            and row.watermark > 0
            and (seen.size_bytes, seen.changed_ns) == (row.size_bytes, row.changed_ns)
            and seen.path.rpartition("/")[2] == row.path.rpartition("/")[2]
        ):
            moves.append(Move(seen, row))
            del new[row.inode]
    return moves


def _find_repacked(work: list[Work], lost: list[Known]) -> list[Move]:
    """Return the new files that lie where a lost one lay, compressed now or no longer."""
    new = {plain_path(one.seen.path): one.seen for one in work if one.why is Why.NEW}
    return [
        Move(seen, row)
        for row in lost
        if row.watermark > 0
        and (seen := new.get(plain_path(row.path))) is not None
        and seen.path.endswith(COMPRESSED_SUFFIX) is not row.path.endswith(COMPRESSED_SUFFIX)
    ]


def _repacked(move: Move) -> Work:
    """Return what is to be read of a file that has its new path by then: what stands behind the watermark."""
    known = structs.replace(move.known, path=move.seen.path, revision=move.known.revision + 1)
    return Work(move.seen, known, Why.REPACKED)
