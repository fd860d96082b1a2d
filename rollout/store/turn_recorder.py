"""One turn being recorded: opened, filled, and ended exactly once.

Leaving the `with` block completes the turn; leaving it by an exception marks it failed, or
interrupted when it is no `Exception` but somebody asking to stop, and lets the exception go on.
Format: docs/format.md, "Writing turns".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec import UNSET, UnsetType

from rollout.errors import Conflict, InvalidRequest, RolloutError
from rollout.format import vocabulary
from rollout.format.encoding import Draft, encode_payload, mark_draft
from rollout.format.turn_marks import Failure, TurnAborted, TurnCompleted
from rollout.ids import TurnId
from rollout.log.writer import Written
from rollout.store.given import require_text, shown_item, stored_item, token_counts
from rollout.store.spending import added
from rollout.turns.recorded import ItemEcho, text_of

if TYPE_CHECKING:
    from rollout.store.recorder import Recorder

_NO_TEXT: Final = "its text cannot be had"


class TurnRecorder:
    """Appends the records of one turn. Made by `Recorder.turn`."""

    def __init__(self, recorder: Recorder, turn_id: TurnId) -> None:
        self.id = turn_id
        self._recorder = recorder
        self._echo = ItemEcho(recorder.new_id)
        self._started_ms = recorder.now_ms()
        self._last_said: str | None = None
        self._used: dict[str, int] = {}
        self._is_open = True

    def append(self, item: Mapping[str, Any] | bytes, *, shown: Mapping[str, Any] | None = None) -> Written:
        """Append one item of the model's history, and what it shows to people.

        `item` is an object, or JSON text that is stored as it is spelled. `shown` is the stored
        item to show instead of what follows from `item`. Appended on return; durable with
        durability "record", else when the turn ends. Raise InvalidRequest, with nothing
        written, when the item is of no known type and shape.
        """
        self._check_open()
        said = self._last_said
        try:
            return self._recorder.write(self.drafts_of(item, shown))
        except InvalidRequest:
            self._last_said = said
            raise

    def drafts_of(
        self, item: Mapping[str, Any] | bytes, shown: Mapping[str, Any] | None = None
    ) -> list[Draft]:
        """Return the records that an item takes, unwritten. Raise InvalidRequest."""
        encoded = stored_item(item)
        visible = shown_item(shown) if shown is not None else self._echo.echo(encoded.members)
        drafts = [Draft(vocabulary.RESPONSE_ITEM, encoded.payload)]
        if visible is not None:
            drafts += self._recorder.visible_drafts(self.id, visible)
            if visible.get("type") == "AgentMessage":
                self._last_said = text_of(visible.get("content"))
        return drafts

    def set_world(self, state: Mapping[str, Any], *, is_full: bool) -> Written:
        """Append the state of the world: all of it, or a merge patch onto what was recorded before."""
        self._check_open()
        payload = encode_payload({"full": is_full, "state": dict(state)}, what="a world state")
        return self._recorder.write([Draft(vocabulary.WORLD_STATE, payload)])

    def count_tokens(
        self,
        used: Mapping[str, int],
        *,
        total: Mapping[str, int] | None = None,
        response_id: str | None = None,
        context_window: int | None = None,
    ) -> Written:
        """Append what one response of the model used, and what the thread has used with it.

        Counts left out are 0; so is the total when `total_tokens` is, but for what went in and out.
        `total` replaces what is known of the thread; otherwise `used` is added to it.
        """
        self._check_open()
        used = token_counts(used)
        turn_total = added(self._used, used)
        totals = self._recorder.spending.with_used(used, total)
        record = self._recorder.usage_record(self.id, totals.thread) | {
            "response_id": response_id or self._recorder.new_id(),
            "usage": used,
            "turn_token_usage": turn_total,
        }
        info = {
            "total_token_usage": totals.info,
            "last_token_usage": used,
            "model_context_window": context_window,
        }
        written = self._recorder.write(
            [
                Draft(vocabulary.TOKEN_USAGE, encode_payload(record, what="a usage record")),
                self._recorder.event({"type": vocabulary.TOKEN_COUNT, "info": info, "rate_limits": None}),
            ]
        )
        self._used = turn_total
        self._recorder.spending.take(totals)
        return written

    def complete(self) -> Written:
        """End the turn. Durable on return, unless durability is "none"."""
        return self._end(self.end_draft())

    def end_draft(self) -> Draft:
        """Return the record that completes the turn, unwritten."""
        return self._completed()

    def fail(self, message: str, *, kind: str = "other") -> Written:
        """End the turn as failed, saying why. Durable as `complete`.

        `kind` is a word of the reference client's or one of your own. Raise InvalidRequest,
        with nothing written and the turn still open, when one of them is no text, or empty.
        """
        for name, value in (("message", message), ("kind", kind)):
            require_text(f"the failure of turn {self.id}", name, value)
        return self._end(self._completed(Failure(message, kind)))

    def interrupt(self) -> Written:
        """End the turn as interrupted. Durable as `complete`."""
        now = self._recorder.now_ms()
        started_at, lasted_ms = self._started_ms // 1000, self._lasted_ms(now)
        mark = TurnAborted(self.id, self.id, started_at, now // 1000, lasted_ms)
        return self._end(mark_draft(mark, is_turn_end=True))

    @property
    def is_open(self) -> bool:
        """Whether the turn has not been ended."""
        return self._is_open

    def _completed(self, error: Failure | UnsetType = UNSET) -> Draft:
        now = self._recorder.now_ms()
        started_at, lasted_ms = self._started_ms // 1000, self._lasted_ms(now)
        said = self._last_said
        mark = TurnCompleted(self.id, self.id, started_at, now // 1000, lasted_ms, said, error)
        return mark_draft(mark, is_turn_end=True)

    def _lasted_ms(self, now: int) -> int:
        return max(0, now - self._started_ms)

    def _end(self, draft: Draft) -> Written:
        self._check_open()
        written = self._recorder.write([draft], is_turn_end=True)
        self._is_open = False
        return written

    def _check_open(self) -> None:
        if not self._is_open:
            raise Conflict(
                f"recording turn {self.id} of thread {self._recorder.thread_id}: it has ended",
                hint="Open another turn.",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_open:
            return
        if error is None:
            self.complete()
            return
        try:
            if isinstance(error, Exception):
                self.fail(_words_of(error))
            else:
                self.interrupt()
        except RolloutError as second:
            # The first error is the one to see; the turn stays open and reads as interrupted.
            error.add_note(f"the turn's end could not be recorded: {second.message}")
            self._is_open = False


def _words_of(error: Exception) -> str:
    """Return an exception as text that can be stored, whatever it is made of."""
    try:
        words = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  # its own __str__ fails; the turn is recorded as failed all the same
        words = f"{type(error).__name__}: {_NO_TEXT}"
    return words.encode("utf-8", "replace").decode()
