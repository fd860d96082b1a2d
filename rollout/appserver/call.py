"""One request on its way through a method: whose it is, what it may touch, and the refusals all share.

Errors of the library become refusals here and nowhere else. Contract: docs/protocol.md, "Errors".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET, Struct, structs

from rollout.appserver.protocol import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    NOT_SUPPORTED,
    Note,
    Refusal,
    RefusalCause,
    RefusalData,
)
from rollout.appserver.server import Client, Server
from rollout.errors import InvalidCursor, NotFound, RolloutError
from rollout.ids import ThreadId, find_uuid

if TYPE_CHECKING:
    from rollout.appserver.opened import Opened

_CODES: Final = {
    "request.invalid": INVALID_REQUEST,
    "not_found": INVALID_REQUEST,
    "conflict": INVALID_REQUEST,
    "log.damaged": INTERNAL_ERROR,
    "format.unsupported": INTERNAL_ERROR,
    "storage.failed": INTERNAL_ERROR,
}
_FIRST_BAD_HINT: Final = "an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-]"
_HEX: Final = frozenset("0123456789abcdefABCDEF-")
_BARE_LENGTH: Final = 32


class UnknownThread(Refusal):
    """The refusal of a request whose thread is not there, or not yet."""


class Answer(Struct, frozen=True):
    """What a method gives: its result, the notifications before and behind it, what is done after them."""

    result: Any
    before: tuple[Note, ...] = ()
    after: tuple[Note, ...] = ()
    then: Callable[[], None] | None = None


EMPTY: Final[dict[str, Any]] = {}
EPHEMERAL_HINT: Final = "It lasts in memory alone: start or fork a thread that is stored."
TURNS_HINT: Final = "See which turns there are with thread/turns/list."


class Call(Struct, frozen=True):
    """A request's surroundings."""

    server: Server
    client: Client
    method: str

    def invalid(self, message: str, hint: str | None = None) -> Refusal:
        """Return the refusal of a request that cannot be served as it is."""
        return refusal(INVALID_REQUEST, message, "request.invalid", hint)

    def unfit(self, message: str, hint: str) -> Refusal:
        """Return the refusal of a request that the state of its thread does not allow."""
        return refusal(INVALID_REQUEST, message, "conflict", hint)

    def archived(self, message: str) -> Refusal:
        """Return the refusal of a request that an archived thread does not take."""
        return self.unfit(message, "It is archived: unarchive it first, with thread/unarchive.")

    def missing(self, message: str, hint: str) -> Refusal:
        """Return the refusal of a request for something that is not there."""
        return refusal(INVALID_REQUEST, message, "not_found", hint)

    def bad_cursor(self, message: str) -> Refusal:
        """Return the refusal of a cursor that is from elsewhere, or none."""
        return self.invalid(message, "Start again without it.")

    def not_supported(self) -> Refusal:
        """Return the refusal of a method for a thread that it does not take: a legacy one."""
        hint = "It is a legacy thread: read it with thread/turns/list, `itemsView` full."
        return refusal(NOT_SUPPORTED, f"{self.method} is not supported yet", "request.invalid", hint)

    def thread_id(self, text: str, *, what: str = "thread id") -> ThreadId:
        """Return a valid id. Raise Refusal, saying what is wrong with it."""
        found = find_uuid(text)
        if found is None:
            raise self.invalid(f"invalid {what}: {uuid_fault(text)}")
        return ThreadId(found)

    @contextmanager
    def lend(self, thread_id: ThreadId, unknown: str | Refusal) -> Iterator[Opened]:
        """Lend an open thread, as it is now. Raise the refusal that stands for one that is not there."""
        try:
            opened = self.server.opened.take(thread_id)
        except NotFound as error:
            if isinstance(unknown, str):
                raise UnknownThread(INVALID_REQUEST, unknown) from error
            raise UnknownThread(unknown.code, unknown.message) from error
        try:
            yield opened
        except BaseException:
            opened.close()
            raise
        self.server.opened.give_back(opened)


def refusal(code: int, message: str, cause: str, hint: str | None) -> Refusal:
    """Return a refusal with the library's code for it, and what to do next."""
    return Refusal(code, message, RefusalData(RefusalCause(cause, hint)))


_MEND: Final = "Mend the params and send the request again."
_LIST: Final = "See which threads there are with thread/list, archived ones with `archived` true."


def completed(found: Refusal, thread: str | None) -> Refusal:
    """Return a refusal with all that stands behind it: a code, a hint, the thread that was asked for."""
    error = found.__cause__
    if found.data is not None:
        cause = found.data.rollout
    elif isinstance(error, RolloutError):
        hint = _LIST if isinstance(found, UnknownThread) else error.hint
        cause = RefusalCause(error.code, hint, detail=error.message)
    else:
        cause = RefusalCause("internal" if found.code == INTERNAL_ERROR else "request.invalid", _MEND)
    thread_id = find_uuid(thread) if thread is not None else None
    cause = structs.replace(
        cause, hint=cause.hint or _MEND, thread_id=thread_id if thread_id is not None else UNSET
    )
    return Refusal(found.code, found.message, RefusalData(cause))


def refusal_of(error: RolloutError, cursor: str | None = None) -> Refusal:
    """Return an error of the library as a refusal, its code and hint under our own key."""
    data = RefusalData(RefusalCause(error.code, error.hint))
    if isinstance(error, InvalidCursor) and cursor is not None:
        return Refusal(INVALID_REQUEST, f"invalid cursor: {cursor[:_SHOWN_CURSOR]}", data)
    return Refusal(_CODES[error.code], error.message, data)


_SHOWN_CURSOR: Final = 4096


def uuid_fault(text: str) -> str:
    """Return what is wrong with text that is no UUID."""
    start = len("urn:uuid:") if text.startswith("urn:uuid:") else 0
    core = text[start:]
    shift = 1 if core.startswith("{") and core.endswith("}") else 0
    core = core[shift : len(core) - shift]
    for at, letter in enumerate(core):
        if letter not in _HEX:
            place = start + shift + len(core[:at].encode("utf-8", "replace")) + 1
            return f"invalid character: expected {_FIRST_BAD_HINT}, found `{letter}` at {place}"
    if "-" not in core:
        return f"invalid length: expected length {_BARE_LENGTH} for simple format, found {len(core)}"
    groups = core.split("-")
    if len(groups) != len(_GROUPS):
        return f"invalid group count: expected {len(_GROUPS)}, found {len(groups)}"
    for number, (group, length) in enumerate(zip(groups, _GROUPS, strict=True)):
        if len(group) != length:
            return f"invalid group length in group {number}: expected {length}, found {len(group)}"
    return "not a UUID"


_GROUPS: Final = (8, 4, 4, 4, 12)
