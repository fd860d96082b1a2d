"""Token totals: two running counts that a resume goes on from. Format: docs/format.md, "Usage"."""

from typing import Final

from msgspec import Raw, Struct

from rollout.format import vocabulary
from rollout.format.decoding import decode_json, decode_payload
from rollout.format.payloads import Compacted, TokenCount, UsageRecord
from rollout.format.record import Record


class TokenTotals(Struct, frozen=True):
    """One count of tokens, as stored."""

    total_tokens: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int | None = None
    output_tokens: int = 0
    reasoning_output_tokens: int = 0

    def counts(self) -> dict[str, int]:
        """Return the counts by their stored names, those that were recorded."""
        known = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: count for name, count in known.items() if count is not None}


class TokenInfo(Struct, frozen=True):
    """`info` of a `token_count` event."""

    total_token_usage: TokenTotals | None = None
    last_token_usage: TokenTotals | None = None
    model_context_window: int | None = None


class Usage(Struct, frozen=True):
    """Token totals of a thread.

    `info` is the newest report to the user, `thread` the running total of the thread's usage
    records. They are kept independently, and either may be None.
    """

    info: TokenInfo | None
    thread: TokenTotals | None


UNKNOWN: Final = Usage(None, None)


def _is_object(json: Raw) -> bool:
    return bytes(memoryview(json)[:1]) == b"{"


class UsageScan:
    """Picks the newest of both totals out of records fed newest first.

    The thread's total is decided by the newest usage record or the newest compaction,
    whichever is newer: a compaction carries the total on, or starts anew.
    """

    def __init__(self) -> None:
        self._info: Raw | None = None
        self._thread: Raw | None = None
        self._is_thread_known = False
        self._is_stopped = False

    @property
    def is_known(self) -> bool:
        """Whether no older record can change the totals."""
        return self._is_stopped or (self._info is not None and self._is_thread_known)

    def feed(self, record: Record) -> None:
        """Take the next older record."""
        if self._is_stopped:
            return
        envelope = record.envelope
        if envelope.type == vocabulary.EVENT_MSG:
            if self._info is None and envelope.payload.type == vocabulary.TOKEN_COUNT:
                counted = decode_payload(record, TokenCount)
                if counted is not None and _is_object(counted.info):
                    self._info = counted.info
        elif envelope.type == vocabulary.TOKEN_USAGE and not self._is_thread_known:
            self._thread = _thread_total(decode_payload(record, UsageRecord))
            self._is_thread_known = self._thread is not None

    def feed_compaction(self, compacted: Compacted) -> None:
        """Take the newest compaction, where it stands among the records."""
        if self._is_thread_known:
            return
        self._is_thread_known = True
        if _is_object(compacted.latest_token_usage_record):
            self._thread = _thread_total(decode_json(compacted.latest_token_usage_record, UsageRecord))

    def stop(self) -> None:
        """Let nothing older count: the checkpoint of a paginated thread has been met."""
        self._is_stopped = True

    def result(self, older: Usage = UNKNOWN) -> Usage:
        """Return the totals found so far; `older` is what all records before those fed add up to."""
        info = decode_json(self._info, TokenInfo) if self._info is not None else older.info
        if not self._is_thread_known:
            return Usage(info, older.thread)
        return Usage(info, decode_json(self._thread, TokenTotals) if self._thread is not None else None)


def _thread_total(record: UsageRecord | None) -> Raw | None:
    return record.thread_token_usage if record is not None and _is_object(record.thread_token_usage) else None
