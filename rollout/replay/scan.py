"""The newest-to-oldest scan: which turns survive, and what the survivors establish.

One reducer for every path: the bounded read stops feeding it early, the full replay
feeds it everything. Invariant 5: it looks at nothing but records.
Format: docs/format.md, "Scan".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from types import MethodType
from typing import Final

from msgspec import Struct

from rollout.format import vocabulary
from rollout.format.decoding import decode_payload
from rollout.format.items import is_boundary, is_history
from rollout.format.payloads import Compacted, RolledBack, TurnContext, TurnSettings, WorldState
from rollout.format.record import Record
from rollout.replay.world import Window, window_of


class Reference(Enum):
    """What a scan knows of the reference context before it has met one."""

    NEVER = "never"
    CLEARED = "cleared"


ReferenceContext = Reference | Record


class WorldChange(Struct, frozen=True):
    """A world state, and the record that stores it."""

    record: Record
    world: WorldState


class _Turn(Struct):
    """The open stretch of records between two `task_started`, as far as it has been read."""

    turn_id: str | None = None
    is_completed: bool = False
    is_user_turn: bool = False
    settings: TurnSettings | None = None
    reference: ReferenceContext = Reference.NEVER
    base: Record | None = None
    window: Window | None = None
    changes: list[WorldChange | None] = []
    has_late_world: bool = False


class BackwardScan:
    """State folded over records, newest first.

    `pending` counts rollbacks not yet spent; `kept` are the records that the forward replay
    needs, newest first; `changes` the surviving world states (None for a compaction).
    """

    def __init__(self) -> None:
        self.pending = 0
        self.base: Record | None = None
        self.base_index = 0
        self.window: Window | None = None
        self.settings: TurnSettings | None = None
        self.reference: ReferenceContext = Reference.NEVER
        self.changes: list[WorldChange | None] = []
        self.compaction_count = 0
        self.has_unnumbered_compaction = False
        self.kept: list[Record] = []
        self._turn: _Turn | None = None
        self._named: list[Record] = []
        self._base_index = 0

    def handlers(self) -> dict[str | None, Callable[[Record], bool]]:
        """Return what takes the next older record, by its label; others say nothing to the scan.

        A handler tells whether a turn was finalised just now.
        """
        return {label: MethodType(handler, self) for label, handler in _HANDLERS.items()}

    def finish(self, *, drops_open_settings: bool = False) -> None:
        """Finalise the turn still open where the input begins.

        `drops_open_settings`: a checkpoint with resume metadata stands before the input,
        which knows better than a turn that has not ended.
        """
        self._apply_named(self._named)
        turn = self._turn
        if turn is not None:
            if drops_open_settings and not turn.is_completed:
                turn.settings = None
            self._finalise(turn)
            self._turn = None

    @property
    def is_between_turns(self) -> bool:
        """Whether nothing fed so far reaches below: no turn is open or ended, no rollback unspent."""
        return self._turn is None and not self._named and self.pending == 0

    @property
    def has_cuts(self) -> bool:
        """Whether the forward replay may take away items that are older than what was fed."""
        return any(record.type in {vocabulary.EVENT_MSG, vocabulary.COMPACTED} for record in self.kept)

    @property
    def is_settled(self) -> bool:
        """Whether no older record can change anything but usage: proof for a bounded read."""
        return (
            self._turn is None
            and self.pending == 0
            and self.base is not None
            and self.window is not None
            and self.settings is not None
            and self.reference is not Reference.NEVER
        )

    def _open(self) -> _Turn:
        turn = self._turn
        if turn is None:
            turn = self._turn = _Turn()
        return turn

    def feed_item(self, record: Record) -> bool:
        turn = self._turn or self._open()
        probe = record.envelope.payload
        if not turn.is_user_turn and is_boundary(probe):
            turn.is_user_turn = True
        if is_history(probe):
            self.kept.append(record)
        return False

    def feed_communication(self, record: Record) -> bool:
        self._open().is_user_turn = True
        self.kept.append(record)
        return False

    def feed_context(self, record: Record) -> bool:
        self._open()
        self._named.append(record)
        return False

    def feed_compacted(self, record: Record) -> bool:
        compacted = decode_payload(record, Compacted)
        if compacted is None:
            return False
        self.compaction_count += 1
        window = window_of(compacted)
        self.has_unnumbered_compaction |= window is None
        turn = self._open()
        self._named.append(record)
        if turn.window is None:
            turn.window = window
        if compacted.replacement_history is None:
            self.kept.append(record)
        elif turn.base is None:
            turn.base = record
            self._base_index = len(self.kept)
        turn.changes = [*turn.changes, None]
        return False

    def feed_world(self, record: Record) -> bool:
        world = decode_payload(record, WorldState)
        if world is None:
            return False
        turn = self._open()
        if world.full and None not in turn.changes:
            turn.has_late_world = True
        turn.changes = [*turn.changes, WorldChange(record, world)]
        return False

    def feed_request(self, _: Record) -> bool:
        self._open().is_user_turn = True
        return False

    def feed_end(self, record: Record) -> bool:
        self._named.append(record)
        return False

    def feed_start(self, record: Record) -> bool:
        turn_id = record.envelope.payload.turn_id
        self._apply_named(_of_turn(self._named, turn_id))
        turn = self._turn
        if turn is None or (turn.turn_id is not None and turn_id is not None and turn.turn_id != turn_id):
            return False
        self._finalise(turn)
        self._turn = None
        return True

    def _apply_named(self, records: list[Record]) -> None:
        """Take what names a turn, and the compactions between, now that their start is known."""
        for record in records:
            type_, probe = record.envelope.type, record.envelope.payload
            if type_ == vocabulary.COMPACTED:
                turn = self._open()
                if turn.reference is Reference.NEVER:
                    turn.reference = Reference.CLEARED
                continue
            turn_id = probe.turn_id
            is_end = type_ == vocabulary.EVENT_MSG
            if is_end and turn_id is None and probe.type == vocabulary.TURN_ABORTED:
                continue
            turn = self._turn or self._open()
            if turn.turn_id is None:
                turn.turn_id = turn_id
            if not is_end:
                if turn_id is None or turn.turn_id == turn_id:
                    self._apply_context(turn, record)
            elif probe.type in vocabulary.TASK_COMPLETE:
                turn.is_completed = True
        self._named = []

    def _apply_context(self, turn: _Turn, record: Record) -> None:
        if self.settings is None:  # otherwise a newer turn has settled it
            context = decode_payload(record, TurnContext)
            if context is not None:
                turn.settings = TurnSettings(context.model, context.comp_hash, context.realtime_active)
        if turn.reference is Reference.NEVER and self.reference is Reference.NEVER:
            turn.reference = record

    def feed_rollback(self, record: Record) -> bool:
        rolled_back = decode_payload(record, RolledBack)
        if rolled_back is not None:
            self.pending += rolled_back.num_turns
            self.kept.append(record)
        return False

    def _finalise(self, turn: _Turn) -> None:
        if self.pending > 0:
            self.pending -= turn.is_user_turn
            return
        if self.base is None and turn.base is not None:
            self.base = turn.base
            self.base_index = self._base_index
        if self.window is None:
            self.window = turn.window
        is_established = turn.is_user_turn or turn.has_late_world
        if self.settings is None and is_established:
            self.settings = turn.settings
        if self.reference is Reference.NEVER and (is_established or turn.reference is Reference.CLEARED):
            self.reference = turn.reference
        self.changes.extend(turn.changes)


def _of_turn(named: list[Record], turn_id: str | None) -> list[Record]:
    """Return the records behind a start, newest first, without the ends of any other turn."""
    is_open = True
    kept: list[Record] = []
    for record in reversed(named):
        if record.envelope.type == vocabulary.EVENT_MSG:
            ended = record.envelope.payload.turn_id
            if ended is not None and not (is_open and ended == turn_id):
                continue
            is_open = False
        kept.append(record)
    return kept[::-1]


_HANDLERS: Final[dict[str | None, Callable[[BackwardScan, Record], bool]]] = {
    vocabulary.RESPONSE_ITEM: BackwardScan.feed_item,
    vocabulary.TURN_CONTEXT: BackwardScan.feed_context,
    vocabulary.COMPACTED: BackwardScan.feed_compacted,
    vocabulary.WORLD_STATE: BackwardScan.feed_world,
    vocabulary.AGENT_COMMUNICATION: BackwardScan.feed_communication,
    vocabulary.USER_MESSAGE: BackwardScan.feed_request,
    **dict.fromkeys(vocabulary.TASK_STARTED, BackwardScan.feed_start),
    **dict.fromkeys(vocabulary.TURN_ENDS, BackwardScan.feed_end),
    vocabulary.ROLLED_BACK: BackwardScan.feed_rollback,
}
