"""Messages of the protocol: lines of JSON to requests, and answers to lines. No I/O.

A message that is no request is told apart by what becomes of it: passed over without a word, or,
where it is no JSON, answered with an error. Nothing that a client sends is fatal.
Contract: docs/protocol.md, "Messages".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rollout.format.decoding import UNDECODABLE, decode_json
from rollout.format.making import make_decoder

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
NOT_SUPPORTED: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603

MAX_MESSAGE_BYTES: Final = 64 << 20
_INT64: Final = 1 << 63
_ABSENT: Final = Raw(b"")
_NULL: Final = b"null"
_SHOWN_CHARS: Final = 200

RequestId = str | int


class Request(Struct, frozen=True):
    """What a client asks; `params` are unread bytes, None when they are missing or null."""

    id: RequestId
    method: str
    params: Raw | None


class Notification(Struct, frozen=True):
    """What a client says without asking."""

    method: str


class Unreadable(Struct, frozen=True):
    """A message that cannot be understood at all, and why."""

    why: str


class Refusal(Exception):
    """An answer that is an error. `code` is one of the protocol's; `data` says more in our own words."""

    def __init__(self, code: int, message: str, data: RefusalData | None = None) -> None:
        message = message.encode("utf-8", "replace").decode()
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class RefusalData(Struct, frozen=True):
    """What stands behind a refusal, under our own key: the library's code, and what to do next."""

    rollout: RefusalCause


class RefusalCause(Struct, frozen=True, rename="camel"):
    """The library's code of an error, its hint and its own words; and the thread that was asked for."""

    code: str
    hint: str | None
    thread_id: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET


class Error(Struct, frozen=True):
    """The error of a response."""

    code: int
    message: str
    data: RefusalData | UnsetType = UNSET


class Note(Struct, frozen=True):
    """A notification to clients; `params` is anything that can be encoded."""

    method: str
    params: Any


class Response(Struct, frozen=True):
    """What a request comes to: a result or an error, the notifications around it, what is done after them."""

    id: RequestId | None
    result: Raw | None = None
    error: Error | None = None
    before: tuple[Note, ...] = ()
    after: tuple[Note, ...] = ()
    then: Callable[[], None] | None = None


class _Envelope(Struct, frozen=True):
    id: Raw = _ABSENT
    method: Raw = _ABSENT
    params: Raw = _ABSENT


class _Answered(Struct, frozen=True):
    id: RequestId | None
    result: Raw


class _Refused(Struct, frozen=True):
    id: RequestId | None
    error: Error


class _Notified(Struct, frozen=True, rename="camel"):
    method: str
    params: Any
    emitted_at_ms: int


_decode_envelope: Final = make_decoder(_Envelope).decode
_encode: Final = msgspec.json.Encoder().encode


def parse_message(line: bytes) -> Request | Notification | Unreadable | None:
    """Return what a message is; None for one that is passed over without an answer."""
    line = line.strip(b" \t\r\n")
    if not line:
        return None
    try:
        found = _decode_envelope(line)
    except msgspec.ValidationError:
        return None  # JSON, and no object
    except UNDECODABLE as error:
        return Unreadable(f"Invalid JSON: {error}")
    method = decode_json(found.method, str) if found.method else None
    if method is None:
        return None
    if not found.id:
        return Notification(method)
    request_id = _request_id(found.id)
    if request_id is None:
        return None
    params = found.params if found.params and bytes(found.params) != _NULL else None
    return Request(request_id, method, params)


def _request_id(stored: Raw) -> RequestId | None:
    """Return an id, which is text or a whole number of 64 bits."""
    text = decode_json(stored, str)
    if text is not None:
        return text
    number = decode_json(stored, int)
    is_whole = number is not None and not set(bytes(stored)) & set(b".eE")
    return number if number is not None and is_whole and -_INT64 <= number < _INT64 else None


def encode_value(value: Any) -> Raw:
    """Return a value as JSON; what is no text in a file's name becomes a mark."""
    try:
        return Raw(_encode(value))
    except UnicodeEncodeError:
        return Raw(_encode(_as_text(value)))


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list | tuple):
        return [_as_text(one) for one in value]
    if isinstance(value, dict):
        return {_as_text(key): _as_text(one) for key, one in value.items()}
    if isinstance(value, Struct):
        return _as_text(msgspec.to_builtins(value, str_keys=True, builtin_types=(Raw,)))
    return value


def encode_response(response: Response) -> bytes:
    """Return a response as one line."""
    if response.error is not None:
        return bytes(encode_value(_Refused(response.id, response.error))) + b"\n"
    assert response.result is not None, "a response has a result or an error"
    return _encode(_Answered(response.id, response.result)) + b"\n"


def encode_note(note: Note, now_ms: int) -> bytes:
    """Return a notification as one line."""
    return bytes(encode_value(_Notified(note.method, note.params, now_ms))) + b"\n"


def refused(request_id: RequestId | None, refusal: Refusal) -> Response:
    """Return the response that a refusal is."""
    data = refusal.data if refusal.data is not None else UNSET
    return Response(request_id, error=Error(refusal.code, refusal.message, data))


def unreadable(found: Unreadable) -> Response:
    """Return the response to a message that cannot be understood: nobody's id, and why."""
    cause = RefusalCause("request.invalid", "Send one JSON object a line, in UTF-8.")
    return Response(None, error=Error(PARSE_ERROR, found.why[:_SHOWN_CHARS], RefusalData(cause)))


class LineBuffer:
    """Cuts a stream of bytes into lines; one that is too long is dropped as it comes, and told of once."""

    def __init__(self, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self._held_bytes = 0
        self._is_dropping = False

    @property
    def held_bytes(self) -> int:
        """How much of a line without an end is held."""
        return self._held_bytes

    def feed(self, content: bytes) -> list[bytes | Unreadable]:
        """Return the lines that end in `content`, without their newlines."""
        *ended, rest = content.split(b"\n")
        found: list[bytes | Unreadable] = []
        for piece in ended:
            line = self._end(piece)
            if line is not None:
                found.append(line)
        overlong = self._hold(rest)
        if overlong is not None:
            found.append(overlong)
        return found

    def _end(self, piece: bytes) -> bytes | Unreadable | None:
        if self._is_dropping:
            self._is_dropping = False
            return None
        overlong = self._hold(piece)
        self._is_dropping = False
        if overlong is not None:
            return overlong
        line = b"".join(self._parts)
        self._parts, self._held_bytes = [], 0
        return line

    def _hold(self, piece: bytes) -> Unreadable | None:
        if self._is_dropping:
            return None
        self._parts.append(piece)
        self._held_bytes += len(piece)
        if self._held_bytes <= self._max_bytes:
            return None
        self._parts, self._held_bytes, self._is_dropping = [], 0, True
        return Unreadable(f"Invalid message: longer than {self._max_bytes} bytes")
