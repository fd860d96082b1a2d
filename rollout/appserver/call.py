"""One request on its way through a method: whose it is, what it may touch, and the refusals all share.

Errors of the library become refusals here and nowhere else. Contract: docs/protocol.md, "Errors".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

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


class Call(Struct, frozen=True):
    """A request's surroundings."""

    server: Server
    client: Client
    method: str

    def invalid(self, message: str) -> Refusal:
        """Return the refusal of a request that cannot be served as it is."""
        return Refusal(INVALID_REQUEST, message)

    def not_supported(self) -> Refusal:
        """Return the refusal of a method for a thread that it does not take."""
        return Refusal(NOT_SUPPORTED, f"{self.method} is not supported yet")

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
            raise UnknownThread(unknown.code, unknown.message, unknown.data) from error
        try:
            yield opened
        except BaseException:
            opened.close()
            raise
        self.server.opened.give_back(opened)


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
