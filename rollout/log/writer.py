"""Appends records to one rollout.

Invariants 2 and 3: it only adds bytes at the end, and what `sync` has acknowledged is
there at every later open. After a failed write or sync it refuses everything until the
rollout is opened again. It decides no policy: what is written and when is the recorder's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from rollout.errors import Conflict, InvalidRequest, RolloutError, StorageFailed
from rollout.format.encoding import Draft, line_head
from rollout.format.seals import seal_member
from rollout.format.times import timestamp_of
from rollout.fs.mutation import AppendFile
from rollout.log.anchor import digest_text
from rollout.log.tail import Tail

if TYPE_CHECKING:
    from blake3 import blake3

_BLOCK_BYTES: Final = 1 << 20
_CLOSE: Final = b"}\n"
_MAX_ORDINAL: Final = (1 << 63) - 1


class Written(Struct, frozen=True, gc=False):
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
        number, covered_from = first, self._covered_from
        pieces = [b"\n"] if self._owes_newline else []
        at = start + len(pieces)
        sealed, hasher = b"", None
        for draft in drafts:
            ordinal = number if draft.has_ordinal else None
            head = line_head(stamp, ordinal, draft.type)
            size = len(head) + len(draft.payload)
            if size > self._max_line_bytes:
                raise _too_long(draft.type, size, self._max_line_bytes)
            if ordinal is not None:
                number = ordinal + 1
            pieces += (head, draft.payload)
            close = _CLOSE
            if draft.is_turn_end:
                covered = b"".join(pieces)
                hasher = hasher or self._hash_so_far().copy()
                hasher.update(covered)
                close = seal_member(covered_from, digest_text(hasher.digest())) + _CLOSE
                covered_from, hasher = at + size, _new_hasher()
                sealed, pieces = sealed + covered, []
            pieces.append(close)
            at += size + len(close)
        rest = b"".join(pieces)
        self._write(sealed + rest)
        if hasher is not None:
            hasher.update(rest)
            self._hasher, self._covered_from = hasher, covered_from
        elif self._hasher is not None:
            self._hasher.update(rest)
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


def _too_long(kind: str, size: int, limit: int) -> InvalidRequest:
    return InvalidRequest(
        f"recording a {kind} of {size} bytes: a line may hold {limit}",
        hint="Store large content elsewhere and record where it is.",
    )


@cache
def _hasher_type() -> Callable[[], blake3]:
    from blake3 import blake3  # the command line's readers do not pay for it

    return blake3


def _new_hasher() -> blake3:
    return _hasher_type()()
