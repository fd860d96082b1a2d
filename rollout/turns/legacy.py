"""Turns of a legacy file: one forward fold over its records.

Pure. A turn is explicit (opened by `task_started`) or implicit (opened by a message);
implicit ones are numbered by the place of their first record. Format: docs/format.md,
"Turns of a legacy file".
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw, Struct

from rollout.format import vocabulary
from rollout.format.decoding import decode_json, decode_payload, payload_of
from rollout.format.items import is_boundary, is_contextual_user, is_history, parts_of
from rollout.format.payloads import RolledBack, TaskComplete, TaskStarted, TurnAborted
from rollout.format.record import ABSENT, Record
from rollout.turns.failure import public_failure
from rollout.turns.hook_text import find_hook_fragment
from rollout.turns.items import AgentMessage, ThreadItem, UserMessage
from rollout.turns.legacy_items import hook_prompt_item, legacy_item
from rollout.turns.legacy_marks import Named, find_marked, find_name
from rollout.turns.legacy_turn import OpenTurn
from rollout.turns.model import Turn, TurnStatus
from rollout.turns.paging import ItemsView
from rollout.turns.parts import TextInput

_REVIEW_EVENTS: Final = frozenset({"entered_review_mode", "exited_review_mode"})
_SLEEP: Final = ("Extension", "clock.sleep")
_NAMING_EVENTS: Final = _REVIEW_EVENTS | {vocabulary.ITEM_COMPLETED}
_CALL_EVENTS: Final = frozenset({"patch_apply_end", "mcp_tool_call_end"})
"""Both go to the turn that they name, these only if the name is not empty; all others to the active one."""


class _ItemType(Struct, frozen=True):
    type: str = ""
    kind: str = ""


class _Message(Struct, frozen=True):
    content: Raw = ABSENT
    id: str | None = None


class TurnSpan(Struct, frozen=True):
    """Where a turn lies in its file, half-open. `end_offset` is None for one that was not ended."""

    turn_id: str
    start_offset: int
    end_offset: int | None


class LegacyTurns:
    """The turns of one legacy history, fed record by record, oldest first.

    `reads_bare_items`: the file is of the era that stored messages only as items, so user
    and assistant messages stand for the events that are not there.
    """

    def __init__(self, *, reads_bare_items: bool = False) -> None:
        self._turns: list[OpenTurn] = []
        self._active: OpenTurn | None = None
        self._index = -1
        self._next_number = 1
        self._reads_bare_items = reads_bare_items
        self._record_offset = 0
        self._end_offset = 0
        self._asked_offset: int | None = None

    def feed(self, record: Record) -> None:
        """Take the next record."""
        type_ = record.envelope.type
        self._record_offset, self._end_offset = record.start_offset, record.end_offset
        if type_ != vocabulary.EVENT_MSG:
            probe = record.envelope.payload
            if type_ == vocabulary.RESPONSE_ITEM and not (
                is_history(probe) or probe.type == vocabulary.MESSAGE
            ):
                return
            self._index += 1
            self._note_question(record)
            if type_ == vocabulary.COMPACTED:
                self._implicit().has_compaction = True
            elif type_ == vocabulary.RESPONSE_ITEM:
                self._response_item(record)
        elif record.envelope.payload.type == vocabulary.ITEM_COMPLETED:
            self._completed_item(record)
        elif record.envelope.payload.type in vocabulary.LISTED_EVENTS:
            self._index += 1
            self._event(record)

    def _completed_item(self, record: Record) -> None:
        """Take what the reference client shows and counts, or what is marked for our readers."""
        probe = record.envelope.payload
        found = decode_json(probe.item, _ItemType)
        is_listed = found is not None and (
            found.type in vocabulary.LISTED_ITEMS or (found.type, found.kind) == _SLEEP
        )
        self._index += is_listed
        marked = find_marked(record)
        if marked is not None:
            turn = self._find(probe.turn_id) if probe.turn_id is not None else None
            item = marked.public()
            if turn is not None and item is not None:
                turn.show(item)
        elif is_listed:
            self._event(record)

    def _event(self, record: Record) -> None:
        kind = record.envelope.payload.type or ""
        if kind in vocabulary.TASK_STARTED:
            self._started(record)
        elif kind in vocabulary.TASK_COMPLETE:
            self._completed(record)
        elif kind == vocabulary.TURN_ABORTED:
            self._aborted(record)
        elif kind == vocabulary.ROLLED_BACK:
            self._rolled_back(record)
        elif kind == vocabulary.USER_MESSAGE:
            self._user_message(legacy_item(kind, payload_of(record), self._number()), find_name(record))
        else:
            item = legacy_item(kind, payload_of(record), self._number())
            if item is not None:
                self._place(item, kind, record)

    def _note_question(self, record: Record) -> None:
        """Note where the words stand that a model was given before the event that opens a turn with them."""
        if record.envelope.type != vocabulary.RESPONSE_ITEM or not is_boundary(record.envelope.payload):
            self._asked_offset = None
        elif self._asked_offset is None:
            self._asked_offset = record.start_offset

    def _number(self) -> str:
        return f"item-{self._next_number}"

    def _user_message(self, item: ThreadItem | None, name: Named | None = None) -> None:
        if item is None:
            return
        active = self._active
        begin = self._record_offset if self._asked_offset is None else self._asked_offset
        if active is not None and not active.is_explicit and not (active.has_compaction and not active.items):
            self._finish(max(begin, active.start_offset))
        is_new = self._active is None
        turn = self._implicit()
        if is_new:
            turn.start_offset = begin
        self._asked_offset = None
        self._add(turn, item, name)

    def _place(self, item: ThreadItem, kind: str, record: Record) -> None:
        """Put an item into the turn it names, if its kind names one, or else into the active turn."""
        name, turn_id = find_name(record), record.envelope.payload.turn_id
        if turn_id is None or not (kind in _NAMING_EVENTS or (turn_id and kind in _CALL_EVENTS)):
            self._add(self._implicit(), item, name)
            return
        turn = self._find(turn_id)
        if turn is None and kind in _REVIEW_EVENTS:
            self._finish()
            turn = self._active = OpenTurn(
                turn_id, False, TurnStatus.COMPLETED, [], start_offset=self._record_offset
            )
        if turn is not None:
            self._add(turn, item, name)

    def _add(self, turn: OpenTurn, item: ThreadItem, name: Named | None = None) -> None:
        if turn.add(item, name, takes_number=item.id == self._number()):
            self._next_number += 1

    def _implicit(self) -> OpenTurn:
        if self._active is None:
            self._active = OpenTurn(
                f"rollout-{self._index}",
                False,
                TurnStatus.COMPLETED,
                [],
                is_numbered=True,
                start_offset=self._record_offset,
            )
        return self._active

    def _find(self, turn_id: str) -> OpenTurn | None:
        if self._active is not None and self._active.id == turn_id:
            return self._active
        return next((turn for turn in self._turns if turn.id == turn_id), None)

    def _finish(self, end_offset: int | None = None) -> None:
        """Close the active turn, which ends where the current record begins unless told otherwise."""
        turn, self._active = self._active, None
        if turn is not None and turn.end_offset is None and not turn.is_explicit:
            turn.end_offset = self._record_offset if end_offset is None else end_offset
        if turn is not None and turn.is_worth_showing:
            self._turns.append(turn)

    def _started(self, record: Record) -> None:
        started = decode_payload(record, TaskStarted)
        if started is None:
            return
        self._finish()
        self._active = OpenTurn(
            started.turn_id,
            True,
            TurnStatus.IN_PROGRESS,
            [],
            root_turn_id=started.root_turn_id,
            started_at=started.started_at,
            start_offset=self._record_offset,
        )

    def _completed(self, record: Record) -> None:
        ended = decode_payload(record, TaskComplete)
        if ended is None:
            return
        error = public_failure(ended.error) if ended.error else None
        turn = self._find(ended.turn_id) or self._active
        if turn is None:
            return
        if error is not None:
            turn.status, turn.error = TurnStatus.FAILED, error
        elif turn.status is TurnStatus.IN_PROGRESS:
            turn.status = TurnStatus.COMPLETED
        self._end(turn, ended)

    def _aborted(self, record: Record) -> None:
        ended = decode_payload(record, TurnAborted)
        if ended is None:
            return
        turn = self._active if ended.turn_id is None else self._find(ended.turn_id)
        if turn is None and self._active is not None and self._active.is_numbered:
            turn = self._active
        if turn is None:
            return
        error = public_failure(ended.error) if ended.error else None
        turn.status = TurnStatus.INTERRUPTED
        turn.error = error or turn.error
        self._end(turn, ended)

    def _end(self, turn: OpenTurn, ended: TaskComplete | TurnAborted) -> None:
        turn.completed_at = ended.completed_at
        turn.duration_ms = ended.duration_ms
        if turn.end_offset is None:
            turn.end_offset = self._end_offset
        if turn is self._active:
            self._finish()

    def _rolled_back(self, record: Record) -> None:
        rolled_back = decode_payload(record, RolledBack)
        if rolled_back is None:
            return
        self._finish()
        del self._turns[max(0, len(self._turns) - rolled_back.num_turns) :]
        self._next_number = 1 + sum(len(turn.items) - turn.uncounted for turn in self._turns)

    def _response_item(self, record: Record) -> None:
        probe = record.envelope.payload
        if probe.type != vocabulary.MESSAGE:
            return
        texts = [part.text for part in parts_of(probe) if part.text]
        if probe.role == "user" and any(find_hook_fragment(text) is not None for text in texts):
            found = decode_payload(record, _Message) or _Message()
            prompt = hook_prompt_item(found.content, found.id or f"hook-{self._index}")
            if prompt is not None:
                self._add(self._implicit(), prompt)
        elif self._reads_bare_items and texts:
            self._bare_message(record, "".join(texts))

    def _bare_message(self, record: Record, text: str) -> None:
        probe = record.envelope.payload
        if probe.role == "user" and not is_contextual_user(probe):
            self._user_message(UserMessage(id=self._number(), content=(TextInput(text),)))
        elif probe.role == "assistant":
            said = AgentMessage(id=self._number(), text=text)
            self._add(self._implicit(), said)

    def result(self, view: ItemsView) -> list[Turn]:
        """Return the turns so far, oldest first, as shown for a thread that nobody runs."""
        return [turn.shown(view) for turn in self._so_far()]

    def spans(self) -> list[TurnSpan]:
        """Return where the turns so far lie, oldest first.

        One that nothing opened or closed reaches to the next one, and begins with the words that
        it answers.
        """
        spans = []
        for turn in self._so_far():
            end_offset = turn.end_offset
            if end_offset is None and not turn.is_explicit:
                end_offset = self._end_offset
            spans.append(TurnSpan(turn.id, turn.start_offset, end_offset))
        return spans

    def _so_far(self) -> list[OpenTurn]:
        active = self._active
        if active is not None and active.is_worth_showing:
            return [*self._turns, active]
        return self._turns
