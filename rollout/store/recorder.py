"""Records a thread: one writer, turns one after the other, durable as promised.

Holds the thread's lease until closed. Every write goes through here, so durability is decided
in one place: "turn" syncs when a turn ends, "record" at every write, "none" never.
Format: docs/format.md, "Writing turns".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from msgspec import UNSET, Struct, UnsetType

from rollout.errors import Conflict, InvalidRequest, RolloutError
from rollout.format import vocabulary
from rollout.format.encoding import Draft, encode_payload, mark_draft
from rollout.format.record import Mode, Rejected
from rollout.format.turn_marks import ItemShown, TurnStarted
from rollout.ids import ThreadId, TurnId, parse_thread_id
from rollout.log.writer import Written
from rollout.replay.sealed import refuse_broken
from rollout.store.checkpoints import KeptCheckpoint, draft_of, kept_checkpoint
from rollout.store.compaction import compaction_drafts
from rollout.store.durability import Durability
from rollout.store.given import require_text, stored_item
from rollout.store.recorder_needs import Recording
from rollout.store.settings import Override, SettledContext, ThreadSettings, settle
from rollout.store.spending import Spending
from rollout.store.turn_metadata import turn_metadata
from rollout.store.turn_recorder import TurnRecorder
from rollout.turns.legacy_writing import legacy_payloads
from rollout.turns.recorded import text_message


class _OpenedTurn(Struct, frozen=True):
    """A turn that is about to begin: its first records, and the settings that hold from then on."""

    turn: TurnRecorder
    drafts: list[Draft]
    settings: ThreadSettings | None


class Recorder:
    """The one recorder of a thread, until closed. A context manager; use it from one thread."""

    def __init__(self, recording: Recording) -> None:
        self._on = recording
        self._settings = recording.settings
        self._context: SettledContext | None = None
        self._open_turn: TurnRecorder | None = None
        self.spending = Spending(recording.read_context)
        """What the thread has used."""

    @property
    def thread_id(self) -> ThreadId:
        """The thread that is recorded."""
        return self._on.thread_id

    @property
    def mode(self) -> Mode:
        """Whether its records are numbered."""
        return self._on.mode

    @property
    def next_ordinal(self) -> int | None:
        """The ordinal of the next record; None in a legacy thread."""
        return self._on.writer.next_ordinal

    @property
    def torn_tail(self) -> Rejected | None:
        """The incomplete last line that was moved to quarantine on opening, if there was one."""
        return self._on.torn_tail

    def now_ms(self) -> int:
        """Return UTC milliseconds, by the store's clock."""
        return self._on.clock()

    def new_id(self) -> str:
        """Return a new id, from the store's source of them."""
        return self._on.new_id()

    def turn(
        self,
        text: str | None = None,
        *,
        items: Sequence[Mapping[str, Any] | bytes] = (),
        turn_id: str | None = None,
        cwd: str | UnsetType = UNSET,
        model: str | UnsetType = UNSET,
        effort: Override = UNSET,
        client_metadata: Mapping[str, str] | None = None,
    ) -> TurnRecorder:
        """Open a turn, with what the user asked and the items it begins with.

        Settings that are given hold from this turn on; `effort` None clears it on purpose, which
        is told apart from not saying anything. `client_metadata` is stored with this turn and
        never sets what is reserved. Appended on return, in one write. Raise Conflict while a
        turn is open, InvalidRequest, with nothing written, when something cannot be stored, or
        no settings are known and neither `cwd` nor `model` is given to go with the rest.
        """
        opened = self._opened(text, items, turn_id, cwd, model, effort, client_metadata)
        self.write(opened.drafts)
        self._settings, self._open_turn = opened.settings, opened.turn
        return opened.turn

    def append_turn(
        self,
        text: str | None = None,
        *,
        items: Sequence[Mapping[str, Any] | bytes] = (),
        turn_id: str | None = None,
        cwd: str | UnsetType = UNSET,
        model: str | UnsetType = UNSET,
        effort: Override = UNSET,
        client_metadata: Mapping[str, str] | None = None,
    ) -> Written:
        """Record a turn that is known to its end, in one write: completed, and durable as a turn's end.

        A crash leaves all of it, or nothing that reads as completed. What is given is as for `turn`, and
        so is what is raised.
        """
        opened = self._opened(text, items, turn_id, cwd, model, effort, client_metadata)
        written = self.write([*opened.drafts, opened.turn.end_draft()], is_turn_end=True)
        self._settings = opened.settings
        return written

    def _opened(
        self,
        text: str | None,
        items: Sequence[Mapping[str, Any] | bytes],
        turn_id: str | None,
        cwd: str | UnsetType,
        model: str | UnsetType,
        effort: Override,
        client_metadata: Mapping[str, str] | None,
    ) -> _OpenedTurn:
        """Return a turn with the records that it begins with, unwritten."""
        self._check_no_turn("opening a turn")
        chosen = TurnId(parse_thread_id(turn_id) if turn_id is not None else self.new_id())
        turn = TurnRecorder(self, chosen)
        drafts = [self.started_draft(chosen)]
        settings = self._settings_with(cwd, model, effort)
        if settings is None and client_metadata:
            raise self._unknown_settings()
        if settings is not None and client_metadata:
            context = settings.payload(chosen)
            context["turn_metadata"] = turn_metadata(self.thread_id, chosen, client_metadata)
            drafts.append(Draft(vocabulary.TURN_CONTEXT, encode_payload(context, what="turn settings")))
        elif settings is not None:
            drafts.append(self._settled(settings).draft(chosen))
        first = [text_message("user", text)] if text is not None else []
        for item in (*first, *items):
            drafts += turn.drafts_of(item)
        return _OpenedTurn(turn, drafts, settings)

    def compact(
        self, replacement_history: Sequence[Mapping[str, Any] | bytes], *, message: str = ""
    ) -> Written:
        """Put `replacement_history` in place of all earlier history, as the model sees it.

        Recorded as a turn of its own, with everything that lets a reader stop there; what users
        see stays. Durable as a turn's end. Raise Conflict while a turn is open, InvalidRequest,
        with nothing written, when an item cannot be stored, DamagedLog when what was read on the
        way is not what was sealed.
        """
        self._check_no_turn("compacting")
        turn = TurnRecorder(self, TurnId(self.new_id()))
        if not isinstance(message, str):
            raise InvalidRequest(
                f"compacting thread {self.thread_id}: message: expected text, found {message!r:.80}",
                hint="Mend the value; nothing was written.",
            )
        kept = [stored_item(item).payload for item in replacement_history]
        context = self._on.read_context()
        # What was altered is not carried over into a record that others stop at.
        refuse_broken(self.thread_id, context.damage)
        drafts = [
            self.started_draft(turn.id),
            *compaction_drafts(turn.id, kept, message, context, self),
            turn.end_draft(),
        ]
        return self.write(drafts, is_turn_end=True)

    def roll_back(self, num_turns: int) -> Written:
        """Take the last `num_turns` turns of a legacy thread out of replay. Durable on return.

        Their bytes stay. A paginated thread is reverted instead: `Store.revert_thread`.
        """
        self._check_no_turn("rolling back")
        if self._on.mode is Mode.PAGINATED:
            raise InvalidRequest(
                f"rolling back thread {self.thread_id}: it is paginated, and has no rollback",
                hint="Revert it to before a turn instead.",
            )
        if not 1 <= num_turns <= 0xFFFFFFFF:
            raise InvalidRequest(
                f"rolling back thread {self.thread_id}: expected 1 turn or more, found {num_turns}",
                hint="Say how many turns to take back.",
            )
        return self.write(
            [self.event({"type": vocabulary.ROLLED_BACK, "num_turns": num_turns})], is_turn_end=True
        )

    def checkpoint(self) -> KeptCheckpoint:
        """Write a checkpoint now, so that a resume need not read further back. Durable as a turn's end.

        Changes no answer. Raise Conflict while a turn is open, InvalidRequest when nothing was recorded yet.
        """
        self._check_no_turn("making a checkpoint")
        assert self._on.checkpoints is not None, "the store that made this recorder gave it what it needs"
        made = self._on.checkpoints.get()
        self.write([draft_of(made)])
        if self._on.durability is Durability.TURN:
            self._on.writer.sync()
        return kept_checkpoint(made, self._on.writer.path, is_in_log=True)

    def write(self, drafts: Sequence[Draft], *, is_turn_end: bool = False) -> Written:
        """Append records in one write, durable as the recorder's durability says."""
        if not self._on.lease.is_held:
            raise Conflict(
                f"recording thread {self.thread_id}: its lease is not held any more",
                hint="Open the thread for recording again.",
            )
        written = self._on.writer.append(drafts, self.now_ms())
        durability = self._on.durability
        if durability is Durability.RECORD or (is_turn_end and durability is Durability.TURN):
            self._on.writer.sync()
        if is_turn_end:
            self._keep_checkpoint(written.end_offset)
        return written

    def _keep_checkpoint(self, end_offset: int) -> None:
        """Append a checkpoint if one is due. The turn before it stands, whatever becomes of this.

        Durable with the next turn: a checkpoint that is lost costs speed and nothing else.
        """
        if self._on.checkpoints is None:
            return
        due = self._on.checkpoints.find_due(end_offset)
        if due is not None:
            with suppress(RolloutError):
                self._on.writer.append([due], self.now_ms())

    def sync(self) -> None:
        """Make everything recorded so far durable, whatever the durability."""
        self._on.writer.sync()

    def event(self, payload: Mapping[str, Any], *, is_turn_end: bool = False) -> Draft:
        """Return an event record, unwritten."""
        return Draft(vocabulary.EVENT_MSG, encode_payload(payload, what="an event"), is_turn_end)

    def visible_drafts(self, turn_id: TurnId, shown: Mapping[str, Any]) -> list[Draft]:
        """Return the records that show an item to people: of the kind that the thread's mode has."""
        now = self.now_ms()
        draft = mark_draft(ItemShown(self._on.thread_id, turn_id, dict(shown), now, now))
        if self._on.mode is Mode.LEGACY:
            return [Draft(draft.type, payload) for payload in legacy_payloads(draft.payload)]
        return [draft]

    def started_draft(self, turn_id: TurnId) -> Draft:
        """Return the record that opens a turn, unwritten."""
        return mark_draft(TurnStarted(turn_id, turn_id, self.now_ms() // 1000))

    def settings_payload(self, turn_id: TurnId) -> dict[str, Any] | None:
        """Return the settings that hold now as a turn context's payload, if any are known."""
        return self._settings.payload(turn_id) if self._settings is not None else None

    def _settled(self, settings: ThreadSettings) -> SettledContext:
        if self._context is None or self._context.settings is not settings:
            self._context = settle(settings)
        return self._context

    def usage_record(self, turn_id: TurnId, total: Mapping[str, int]) -> dict[str, Any]:
        """Return the members of a usage record that say whose it is, and the thread's total."""
        return {
            "thread_id": self.thread_id,
            "turn_id": turn_id,
            "session_id": self._on.session_id or self.thread_id,
            "root_turn_id": turn_id,
            "thread_token_usage": dict(total),
        }

    @property
    def dynamic_tools(self) -> Sequence[Any]:
        """The tools that the thread's header names, as stored."""
        return self._on.dynamic_tools

    def _settings_with(
        self, cwd: str | UnsetType, model: str | UnsetType, effort: Override
    ) -> ThreadSettings | None:
        if cwd is UNSET and model is UNSET and effort is UNSET:
            return self._settings
        act = f"a turn of thread {self.thread_id}"
        for name, value in (("cwd", cwd), ("model", model)):
            if value is not UNSET:
                require_text(act, name, value)
        if effort is not UNSET and effort is not None:
            require_text(act, "effort", effort)
        if self._settings is not None:
            return self._settings.changed(cwd=cwd, model=model, effort=effort)
        if cwd is UNSET or model is UNSET:
            raise self._unknown_settings()
        return ThreadSettings(cwd, model, effort=effort)

    def _unknown_settings(self) -> InvalidRequest:
        return InvalidRequest(
            f"opening a turn of thread {self.thread_id}: its settings are not known",
            hint="Give `cwd` and `model` both; nothing was written.",
        )

    def _check_no_turn(self, act: str) -> None:
        self._on.writer.require_usable()
        if self._open_turn is not None and self._open_turn.is_open:
            raise Conflict(
                f"{act} of thread {self.thread_id}: turn {self._open_turn.id} is open",
                hint="End it first.",
            )

    def close(self) -> None:
        """Interrupt a turn that is open, make everything durable, give the lease back. Idempotent."""
        if not self._on.lease.is_held:
            return
        try:
            if self._open_turn is not None and self._open_turn.is_open:
                self._open_turn.interrupt()
            if self._on.durability is not Durability.NONE:
                self._on.writer.sync()
        finally:
            self._on.writer.close()
            self._on.lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except RolloutError as second:
            if error is None:
                raise
            error.add_note(f"the recorder could not be closed as it should: {second.message}")
