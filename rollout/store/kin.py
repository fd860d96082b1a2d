"""What tells a fork from its siblings: the turn it left its parent at, and the first words of its own.

Both in bounded reads around a known position, so that a family of thousands can be told at once; what
lies further away stays unknown. Format: docs/format.md, "Lineage".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from rollout.errors import RolloutError
from rollout.format import vocabulary
from rollout.format.codec import examine
from rollout.format.decoding import decode_payload
from rollout.format.payloads import TaskComplete, TaskStarted, TurnAborted
from rollout.format.record import Era, Record
from rollout.ids import ThreadId
from rollout.log.compressed import CompressedSource
from rollout.log.lines import Span, iter_lines
from rollout.log.names import read_names
from rollout.log.source import Source, open_source
from rollout.store.headers import RolloutHead, Rollouts
from rollout.turns.said import said_by_user

_REACHES: Final = (8 << 10, 64 << 10, 1 << 20)
"""How far around a position turns are looked for, step by step."""
_WORDS_BYTES: Final = (16 << 10, 256 << 10)
"""How much of a rollout is looked into for the first words."""
_MOST_UNPACKED_BYTES: Final = 64 << 20
"""A position further inside a rollout that unpacks from its beginning alone is not looked at."""
_SHORTEST_ID: Final = 13
_EVENT: Final = vocabulary.EVENT_MSG.encode()
_MARK: Final = re.compile(
    b"|".join(sorted(kind.encode() for kind in vocabulary.TASK_STARTED | vocabulary.TURN_ENDS))
)


class ForkTurns(Struct, frozen=True, rename="camel"):
    """The turns around the position that a fork left its parent at, as far as they are near it.

    `after_turn_id` ended before it, `before_turn_id` starts behind it. `inside_turn_id` had started and
    not ended. `is_within_reach`: the part of this rollout before the position was seen as far as needed.
    """

    after_turn_id: str | None = None
    before_turn_id: str | None = None
    inside_turn_id: str | None = None
    is_within_reach: bool = False

    @property
    def is_inherited(self) -> bool:
        """Whether no turn of this rollout stands before the position: the fork left at what that inherits."""
        return self.is_within_reach and self.after_turn_id is None and self.inside_turn_id is None


def find_fork_turns(rollouts: Rollouts, parent: RolloutHead, offsets: Iterable[int]) -> dict[int, ForkTurns]:
    """Return the turns around positions of one rollout: a few kilobytes read for each.

    A rollout that cannot be read gives nothing.
    """
    found: dict[int, ForkTurns] = {}
    if parent.owner_id is None:
        return found
    try:
        with open_source(rollouts.fs, parent.file.path) as source:
            for offset in sorted(offsets):
                if isinstance(source, CompressedSource) and offset > _MOST_UNPACKED_BYTES:
                    break
                if source.reaches(offset):
                    found[offset] = _turns_around(source, parent, offset)
    except RolloutError:
        return found
    return found


def _turns_around(source: Source, parent: RolloutHead, offset: int) -> ForkTurns:
    ahead = next(_marks_behind(source, offset, parent.era), None)
    next_id = _turn_id(ahead) if ahead is not None and _is_start(ahead) else None
    for reach in _REACHES:
        start = max(parent.start_offset, offset - reach)
        before = next(_marks_before(source, start, offset, parent.era), None)
        if before is not None:
            turn_id = _turn_id(before)
            if _is_start(before):
                return ForkTurns(None, next_id, turn_id, is_within_reach=True)
            return ForkTurns(turn_id, next_id, is_within_reach=True)
        if start == parent.start_offset:
            return ForkTurns(None, next_id, is_within_reach=True)
    return ForkTurns(None, next_id)


def _is_start(record: Record) -> bool:
    return record.envelope.payload.type in vocabulary.TASK_STARTED


def _turn_id(record: Record) -> str | None:
    if _is_start(record):
        started = decode_payload(record, TaskStarted)
        return started.turn_id if started is not None else None
    if record.envelope.payload.type == vocabulary.TURN_ABORTED:
        aborted = decode_payload(record, TurnAborted)
        return aborted.turn_id if aborted is not None else None
    completed = decode_payload(record, TaskComplete)
    return completed.turn_id if completed is not None else None


def _marks_before(source: Source, start: int, end: int, era: Era) -> Iterator[Record]:
    """Yield the starts and ends of turns in a range, newest first."""
    block = source.read_at(start, end - start)
    for match in reversed(list(_MARK.finditer(block))):
        record = _mark_around(block, start, match.start(), era)
        if record is not None:
            yield record


def _marks_behind(source: Source, start: int, era: Era) -> Iterator[Record]:
    """Yield the starts and ends of turns in the first kilobytes behind a position, oldest first."""
    block = source.read_at(start, _REACHES[0])
    for match in _MARK.finditer(block):
        record = _mark_around(block, start, match.start(), era)
        if record is not None:
            yield record


def _mark_around(block: bytes, start: int, at: int, era: Era) -> Record | None:
    """Return the record whose line lies around a word of a block, if it starts or ends a turn."""
    first = block.rfind(b"\n", 0, at) + 1
    last = block.find(b"\n", at) + 1
    line = examine(block[first:last], start + first, era) if last else None
    if not isinstance(line, Record) or line.envelope.type != vocabulary.EVENT_MSG:
        return None
    kind = line.envelope.payload.type
    return line if kind in vocabulary.TASK_STARTED or kind in vocabulary.TURN_ENDS else None


def find_first_words(rollouts: Rollouts, head: RolloutHead) -> str | None:
    """Return the first thing that the user says in a rollout's own part, looked for near its beginning.

    None when there is nothing, or the rollout cannot be read.
    """
    if head.owner_id is None or head.era is not Era.ENVELOPE:
        return None
    try:
        with open_source(rollouts.fs, head.file.path) as source:
            for reach in _WORDS_BYTES:
                end = head.header_end + reach
                is_longer = source.reaches(end)
                words = _first_words(source, head.header_end, end if is_longer else source.size_bytes)
                if words is not None or not is_longer:
                    return words
    except RolloutError:
        return None
    return None


def _first_words(source: Source, start: int, end: int) -> str | None:
    for batch in iter_lines(source, Span(start, end, only_type=_EVENT)):
        for line in batch:
            words = said_by_user(line) if isinstance(line, Record) else None
            if words:
                return words
    return None


def thread_names(rollouts: Rollouts) -> dict[ThreadId, str]:
    """Return the name of every thread of the home that has one."""
    return read_names(rollouts.fs, rollouts.home)


def telling_length(ids: Iterable[ThreadId], among: Iterable[ThreadId]) -> int:
    """Return how much of an id tells these threads from all others, at least two groups of its letters."""
    every = sorted({*ids, *among})
    places = {one: at for at, one in enumerate(every)}
    longest = _SHORTEST_ID
    for one in ids:
        at = places[one]
        for other in every[max(0, at - 1) : at + 2]:
            if other != one:
                same = next(
                    number for number, pair in enumerate(zip(one, other, strict=True)) if len(set(pair)) > 1
                )
                longest = max(longest, same + 1)
    return longest
