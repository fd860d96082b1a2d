"""Appends records to one rollout.

Invariants 2 and 3: it only adds bytes at the end, and what `sync` has acknowledged is
there at every later open. After a failed write or sync it refuses everything until the
rollout is opened again. It decides no policy: what is written and when is the recorder's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from rollout.errors import Conflict, InvalidRequest, RolloutError, StorageFailed
from rollout.format.encoding import Draft, line_front
from rollout.format.seals import seal_member
from rollout.fs.mutation import AppendFile
from rollout.log.anchor import digest_text
from rollout.log.tail import Tail

if TYPE_CHECKING:
    from blake3 import blake3

_BLOCK_BYTES: Final = 1 << 20
_MILLI: Final = 1000
_MAX_ORDINAL: Final = (1 << 63) - 1


class Written(Struct, frozen=True):
    """What one append added: half-open ranges of ordinals (None in a legacy rollout) and bytes."""

    first_ordinal: int | None
    next_ordinal: int | None
    start_offset: int
    end_offset: int


class LogWriter:
    """The one writer of a rollout; whoever makes it holds the lease.

    `sync_names` makes the file's name durable where its maker did not see to that; it is called
    before the first bytes are.
    """

    def __init__(
        self,
        file: AppendFile,
        tail: Tail,
        max_line_bytes: int,
        sync_names: Callable[[], None] | None = None,
    ) -> None:
        self._file = file
        self._sync_names = sync_names
        self._max_line_bytes = max_line_bytes
        self._end = tail.end_offset
        self._next_ordinal = tail.next_ordinal
        self._is_numbered = tail.next_ordinal is not None
        self._owes_newline = tail.lacks_newline
        self._covered_from = tail.covered_from
        self._hasher: blake3 | None = None
        self._failure: RolloutError | None = None
        self.is_synced = True

    @property
    def path(self) -> str:
        """The rollout's file."""
        return self._file.path

    @property
    def next_ordinal(self) -> int | None:
        """The ordinal of the next record; None in a legacy rollout."""
        return self._next_ordinal

    @property
    def end_offset(self) -> int:
        """Where the next record goes."""
        return self._end

    def append(self, drafts: Sequence[Draft], now_ms: int) -> Written:
        """Append records in one write. Appended, not durable, on return.

        Raise InvalidRequest, with nothing written, for a line over the cap; Conflict when the
        file grew under us; StorageFailed when the system refused, after which any prefix of
        the lines may stand in the file and nothing more is taken.
        """
        self.require_usable()
        stamp = timestamp_of(now_ms)
        start, first = self._end, self._next_ordinal
        number = first
        pieces = [b"\n"] if self._owes_newline else []
        at = start + len(pieces)
        covered_from, hasher = self._covered_from, None
        if any(draft.is_turn_end for draft in drafts):
            hasher = self._hash_so_far().copy()
            hasher.update(b"".join(pieces))
        for draft in drafts:
            ordinal = number if draft.has_ordinal else None
            front = line_front(stamp, ordinal, draft)
            if len(front) > self._max_line_bytes:
                raise InvalidRequest(
                    f"recording a {draft.type} of {len(front)} bytes: a line may hold {self._max_line_bytes}",
                    hint="Store large content elsewhere and record where it is.",
                )
            close = b"}\n"
            if hasher is not None:
                hasher.update(front)
                if draft.is_turn_end:
                    close = seal_member(covered_from, digest_text(hasher.digest())) + close
                    covered_from = at + len(front)
                    hasher = _new_hasher()
                hasher.update(close)
            pieces += (front, close)
            at += len(front) + len(close)
            if ordinal is not None and number is not None:
                number += 1
        content = b"".join(pieces)
        self._write(content)
        if hasher is not None:
            self._hasher = hasher
        elif self._hasher is not None:
            self._hasher.update(content)
        self._covered_from = covered_from
        self._next_ordinal = number
        self._owes_newline = False
        return Written(first, number, start, self._end)

    def sync(self) -> None:
        """Make everything appended so far durable. Raise StorageFailed; then the writer is done for."""
        self.require_usable()
        if self.is_synced:
            return
        try:
            if self._sync_names is not None:
                self._sync_names()
            self._file.sync()
        except RolloutError as error:
            self._failure = error
            raise
        self._sync_names = None
        self.is_synced = True

    def close(self) -> None:
        """Close the file. Idempotent. Makes nothing durable."""
        self._file.close()

    def require_usable(self) -> None:
        """Raise StorageFailed when an earlier write or sync failed: nothing more is taken."""
        if self._failure is not None:
            raise StorageFailed(
                f"recording into {self._file.path}: an earlier write failed: {self._failure.message}",
                hint="Open the thread again: what was acknowledged is there.",
            ) from self._failure

    def _write(self, content: bytes) -> None:
        found = self._file.size_bytes()
        if found != self._end:
            self._failure = Conflict(
                f"recording into {self._file.path}: expected it to end at byte {self._end}, found {found}: "
                "somebody else wrote to it",
                hint="Open the thread again, and see who else has it open.",
            )
            raise self._failure
        self.is_synced = False
        try:
            self._file.append(content)
        except RolloutError as error:
            self._failure = error
            raise
        except BaseException as error:
            self._failure = StorageFailed(
                f"appending to {self._file.path}: stopped by {type(error).__name__}"
            )
            raise
        self._end += len(content)

    def _hash_so_far(self) -> blake3:
        """Return the running hash of what the next seal covers, read back when first needed."""
        if self._hasher is None:
            self._hasher = _new_hasher()
            for at in range(self._covered_from, self._end, _BLOCK_BYTES):
                self._hasher.update(self._file.read_at(at, min(_BLOCK_BYTES, self._end - at)))
        return self._hasher


def _new_hasher() -> blake3:
    from blake3 import blake3  # the command line's readers do not pay for it

    return blake3()


def timestamp_of(now_ms: int) -> str:
    """Return UTC milliseconds as the timestamp of a record."""
    seconds, millis = divmod(now_ms, _MILLI)
    return f"{_second_of(seconds)}.{millis:03d}Z"


@lru_cache(maxsize=8)
def _second_of(seconds: int) -> str:
    """Return a second as text; a turn's records share few of them."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
