"""Logs that are in order, told by a glance at their lines: what most copies are made of.

Every line begins as writers write it and ends whole, seals hold, ordinals rise, and no turn goes on
behind a fork. Then one file shows what the lineage shows, and nothing need be decoded to know it.
Format: docs/format.md, "Copies".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import accumulate
from operator import lt
from typing import Final

from msgspec import Struct

from rollout.format.record import Rejected
from rollout.format.seals import Seal, find_seal_remains
from rollout.format.vocabulary import CHECKPOINT, ITEM_COMPLETED, SETTINGS_APPLIED, TASK_STARTED, TURN_ENDS
from rollout.log.chunks import iter_chunks
from rollout.log.seal import iter_broken_seals
from rollout.replay.lineage import Lineage, Segment
from rollout.store.copy_plan import Edit, filled_ordinal

_LINES: Final = re.compile(
    rb'\{"timestamp":"[^"\\\n]*",(?:"ordinal":(0|[1-9][0-9]{0,17}),)?"type":"'
    rb'(event_msg","payload":\{"type":"[a-z_]+(?=")|(?!event_msg")[a-z_]+(?=","payload":\{))'
    rb'(?:","thread_id":"[^"\\\n]*","turn_id":"([^"\\\n]+)")?.*\}\n(?:(?<=(")\}\n)|)'
    rb"|([\s\S]+)"
).findall
"""Finds each line as its ordinal, kind, turn, and the quote that it may end with; or the rest, which is none.

One match begins where another ends, so that nothing lies between lines.
"""
_EVENT: Final = b'event_msg","payload":{"type":"'
_ITEM: Final = _EVENT + ITEM_COMPLETED.encode()
_CHECKPOINT: Final = CHECKPOINT.encode()
_BETWEEN_TURNS: Final = frozenset((_CHECKPOINT, _EVENT + SETTINGS_APPLIED.encode()))
_ENDS: Final = frozenset(_EVENT + word.encode() for word in TURN_ENDS)
_MARKS: Final = _ENDS | {_EVENT + word.encode() for word in TASK_STARTED}
_QUOTE: Final = ord('"')
_TURN_IDS: Final = re.compile(rb'"turn_id":"([^"\\]*)"').findall
_DOT_AT: Final = -47
"""Where a seal has its dot, behind which stand 43 letters, a quote, a brace and a newline."""


class Stretch(Struct, frozen=True, gc=False):
    """Whole lines of a segment, from `start_offset` on, and what a copy has other content for.

    `filled_ordinal` is that of the header that stood before, and is not carried over. `ends_turn`: the
    last line is a sealed end of a turn, checkpoints and settings aside.
    """

    content: bytes
    start_offset: int
    edits: list[Edit]
    filled_ordinal: int | None
    ends_turn: bool


class UnclearError(Exception):
    """The log is not as expected somewhere: a closer look is due."""


def iter_in_order(lineage: Lineage) -> Iterator[Stretch]:
    """Yield all that a copy carries over of a lineage of paginated rollouts, oldest first.

    Raise UnclearError, late perhaps, for a lineage that is not as expected: what was yielded before means
    nothing then.
    """
    known: set[bytes] = set()
    ends_turn = False
    for place, segment in enumerate(lineage.segments):
        meta = segment.header.meta
        if not segment.header.is_first or meta.subagent_history_start_ordinal:
            raise UnclearError
        glance, source = _Glance(segment, ends_turn=ends_turn), lineage.source(segment)
        filled = filled_ordinal(lineage, place)
        for chunk in iter_chunks(source, segment.start_offset, segment.end_offset, lineage.max_line_bytes):
            if isinstance(chunk, Rejected):
                raise UnclearError
            edits = glance.take(chunk.content, chunk.start_offset)
            yield Stretch(chunk.content, chunk.start_offset, edits, filled, glance.ends_turn)
            filled = None
        if filled is not None:
            yield Stretch(b"", segment.end_offset, [], filled, ends_turn=False)
        seal = glance.newest_seal
        if seal is not None and any(iter_broken_seals(source, seal, segment.start_offset)):
            raise UnclearError
        if not known.isdisjoint(glance.turn_ids):
            raise UnclearError
        known |= glance.turn_ids
        ends_turn = glance.ends_turn


class _Glance:
    """One segment as its lines' fronts and ends show it."""

    def __init__(self, segment: Segment, *, ends_turn: bool) -> None:
        self._next_ordinal = segment.first_ordinal
        self._end_ordinal = segment.end_ordinal
        self._edits: list[Edit] = []
        self.turn_ids: set[bytes] = set()
        self.ends_turn = ends_turn
        self.newest_seal: Seal | None = None

    def take(self, content: bytes, start: int) -> list[Edit]:
        """Take the next lines, one at least; return what is not carried over of them. Raise UnclearError."""
        self._edits = []
        ordinals, kinds, turn_ids, quotes, rest = zip(*_LINES(content), strict=True)
        if rest[-1]:
            raise UnclearError
        self._count(list(filter(None, ordinals)))
        named = list(filter(None, turn_ids))
        lines = BytesIO(content).readlines()
        marks = [index for index, kind in enumerate(kinds) if kind in _MARKS]
        is_quoted = sum(1 for index in marks if quotes[index])
        # An item names its turn as expected; nothing but an end of a turn has a seal, or looks like it.
        if kinds.count(_ITEM) > len(named) or len(quotes) - quotes.count(b"") > is_quoted:
            raise UnclearError
        self.turn_ids.update(named)
        starts = list(accumulate(map(len, lines), initial=start))
        for index in marks:
            self._mark(lines[index], starts[index], kinds[index])
        if _CHECKPOINT in kinds:
            self._leave_out(starts, kinds)
        last = len(lines) - 1
        while last >= 0 and kinds[last] in _BETWEEN_TURNS:
            last -= 1
        if last >= 0:
            self.ends_turn = self.newest_seal is not None and self.newest_seal.covered_to > starts[last]
        return self._edits

    def _count(self, numbers: list[bytes]) -> None:
        """Take ordinals as they are stored. Those of one length stand in the order of their letters."""
        if not numbers:
            return
        values: list[bytes] | list[int] = numbers
        if len(set(map(len, numbers))) > 1:
            values = list(map(int, numbers))
        if int(numbers[0]) < self._next_ordinal or not all(map(lt, values, values[1:])):
            raise UnclearError
        self._next_ordinal = int(numbers[-1]) + 1
        if self._end_ordinal is not None and self._next_ordinal > self._end_ordinal:
            raise UnclearError

    def _mark(self, line: bytes, start: int, kind: bytes) -> None:
        """Take a line that starts or ends a turn."""
        named = _TURN_IDS(line)
        if not named:
            raise UnclearError
        self.turn_ids.update(named)
        if line[-3] != _QUOTE and line[_DOT_AT : _DOT_AT + 1] != b".":
            return
        seal = find_seal_remains(line, start)
        if seal is None:
            return
        if seal.digest is None or kind not in _ENDS:
            raise UnclearError
        self._edits.append(Edit(seal.covered_to, start + len(line), b"}\n", 0))
        self.newest_seal = seal

    def _leave_out(self, starts: list[int], kinds: tuple[bytes, ...]) -> None:
        """Leave checkpoints out."""
        for index, kind in enumerate(kinds):
            if kind == _CHECKPOINT:
                self._edits.append(Edit(starts[index], starts[index + 1]))
        self._edits.sort(key=lambda edit: edit.start_offset)
