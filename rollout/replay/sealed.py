"""Whether what was read of a lineage is what was sealed: every reading goes over its own seals.

Of a segment the newest seal is noted while it is read; the chain from there is verified when the
reading is done, as far down as it went. A log without seals pays for looking at its turn ends.
Format: docs/format.md, "Seals".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from rollout.errors import DamagedLog
from rollout.format.record import Damage, Era, Reason, Record, Rejected
from rollout.format.seals import LONGEST_SEAL_BYTES, Seal, find_seal, find_seal_remains
from rollout.format.vocabulary import EVENT_MSG, TURN_ENDS
from rollout.log.lines import iter_lines_backward
from rollout.log.seal import iter_broken_seals
from rollout.log.source import Source
from rollout.replay.lineage import Lineage, Segment

_EVENT: Final = EVENT_MSG.encode()
_UNREADABLE: Final = frozenset({Reason.TORN_TAIL, Reason.CUT_LINE, Reason.BAD_COMPRESSION})


class _Watched(Struct):
    """What one segment showed. `seals` newest first: those whose text is none, then the newest whole one."""

    segment: Segment
    lowest_offset: int
    seals: list[Seal] = []


class SealWatch:
    """The seals met by one reading of a lineage, newest record first.

    `is_wanted`: the newest seal of the segment being read is still to be met; only then
    are lines worth noting.
    """

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._watched: dict[str, _Watched] = {}
        self._now: _Watched | None = None
        self.is_wanted = False

    def enter(self, segment: Segment) -> None:
        """Begin a segment, or go on in it."""
        self._now = self._watched.setdefault(segment.rollout_id, _Watched(segment, segment.end_offset))
        is_known = any(seal.digest is not None for seal in self._now.seals)
        self.is_wanted = segment.header.era is Era.ENVELOPE and not is_known

    def note(self, end: Record) -> None:
        """Take the next older end of a turn."""
        self._take(find_seal(end.stored, end.start_offset))

    def note_rejected(self, line: Rejected) -> None:
        """Take the next older line that is no record: the newest seal may have been on it."""
        if self.is_wanted and self._now is not None:
            self._take(find_rejected_seal(self._lineage.source(self._now.segment), line))

    def note_end_at(self, end_offset: int) -> None:
        """Take the seal of the line that ends there, ahead of what is read next: it may cover that."""
        if self.is_wanted and self._now is not None:
            start = max(0, end_offset - LONGEST_SEAL_BYTES)
            stored = self._lineage.source(self._now.segment).read_at(start, end_offset - start)
            self._take(find_seal_remains(stored, start))

    def _take(self, seal: Seal | None) -> None:
        if seal is not None and self._now is not None:
            self._now.seals.append(seal)
            self.is_wanted = seal.digest is None

    def leave(self, lowest_offset: int) -> None:
        """End a segment: nothing before `lowest_offset` was looked at."""
        if self._now is not None:
            self._now.lowest_offset = min(self._now.lowest_offset, lowest_offset)

    @property
    def has_met_any(self) -> bool:
        """Whether any line that was looked at carries a seal, or what is left of one."""
        return any(watched.seals for watched in self._watched.values())

    def find_broken(self) -> list[Damage]:
        """Verify every range that reaches into what was read; return what does not hold, oldest first."""
        found: list[Damage] = []
        for watched in self._watched.values():
            segment = watched.segment
            for seal in watched.seals:
                source = self._lineage.source(segment)
                broken = iter_broken_seals(source, seal, watched.lowest_offset)
                found += (damage_of(segment.rollout_id, segment.file.path, one) for one in broken)
        return found[::-1]


def find_rejected_seal(source: Source, line: Rejected) -> Seal | None:
    """Return the seal that a line carries which is no record, or what is left of one."""
    # The unknown type of a sealed line has another reason, so harmless lines need no look.
    if not line.is_damage or line.reason in _UNREADABLE:
        return None
    start = max(line.start_offset, line.end_offset - LONGEST_SEAL_BYTES)
    seal = find_seal_remains(source.read_at(start, line.end_offset - start), start)
    if seal is None or seal.digest is not None:
        return seal
    return msgspec.structs.replace(seal, covered_from=line.start_offset)


def damage_of(rollout_id: str, path: str, line: Rejected) -> Damage:
    """Return a rejected span as damage of its rollout."""
    return Damage(rollout_id, path, line.start_offset, line.end_offset, line.reason, line.detail)


def find_broken_seals(lineage: Lineage) -> list[Damage]:
    """Return what the seals of a whole history prove damaged, oldest first.

    Looks for the newest seal of every segment, and verifies all.
    """
    watch = SealWatch(lineage)
    for segment in reversed(lineage.segments):
        watch.enter(segment)
        span = msgspec.structs.replace(lineage.span(segment), only_type=_EVENT)
        for batch in iter_lines_backward(lineage.source(segment), span):
            for line in reversed(batch):
                if isinstance(line, Rejected):
                    watch.note_rejected(line)
                elif watch.is_wanted and line.kind in TURN_ENDS:
                    watch.note(line)
            if not watch.is_wanted:
                break
        watch.leave(segment.start_offset)
    return watch.find_broken()


def refuse_broken(thread_id: str, damage: Iterable[Damage]) -> None:
    """Raise DamagedLog when there is a broken seal among the damage."""
    broken = [one for one in damage if one.reason is Reason.BROKEN_SEAL]
    if not broken:
        return
    first = broken[0]
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    raise DamagedLog(
        f"reading thread {thread_id}: {first.path}, bytes {first.start_offset}-{first.end_offset}: "
        f"{first.detail}{more}",
        hint=f"Run `rollout check {thread_id}` to see all of it, or read on with --allow-damage "
        "(allow_damage=True).",
    )
