"""Messages that are wrong as bytes: too long, too many, too deep, cut short, no text at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from websockets.exceptions import ConnectionClosed

from hostility.scale import Attack, Scale, tally
from hostility.servers import Place, greeted, resident_bytes
from hostility.wires import Frames, Streams, Wire, answer_to, ask, greet, say

_CHUNK: Final = b"x" * (1 << 20)
_MOST_HELD_BYTES: Final = 300 << 20
"""What a message of any length may cost at most: 64 MiB of it are held, and copied once or twice."""


def _heard_beside(wire: Wire, sent: Iterable[bytes], count: int) -> Iterator[dict[str, Any]]:
    """Send messages from a thread of their own, and yield so many answers."""

    def send() -> None:
        with suppress(OSError):
            for line in sent:
                wire.write(line)

    writer = threading.Thread(target=send, daemon=True)
    writer.start()
    heard = 0
    while heard < count:
        line = wire.hear()
        assert line is not None, f"the server left after {heard} of {count} answers"
        message = json.loads(line)
        if "method" not in message:
            heard += 1
            yield message
    writer.join()


def long_line(place: Place, scale: Scale) -> str:
    """One line of a gigabyte: answered once, with little memory."""
    wire = greeted(place)
    before = resident_bytes(place.pid_of(wire))
    most = before
    if isinstance(wire, Frames):
        answered = _long_frame(wire, scale)
    else:
        assert isinstance(wire, Streams)
        wire.write_raw(b'{"id":1,"method":"')
        for _ in range(scale.line_bytes >> 20):
            wire.write_raw(_CHUNK)
            most = max(most, resident_bytes(place.pid_of(wire)))
        wire.write_raw(b'"}\n')
        line = wire.hear()
        assert line is not None
        assert json.loads(line)["error"]["code"] == -32700
        answered = "-32700"
        assert "result" in ask(wire, "thread/loaded/list")
    grown = max(most, resident_bytes(place.pid_of(wire))) - before
    assert grown < _MOST_HELD_BYTES, f"a line of {scale.line_bytes >> 20} MiB took {grown >> 20} MiB"
    place.leave(wire)
    return f"{answered}; at most {grown >> 20} MiB more"


def _long_frame(wire: Frames, scale: Scale) -> str:
    """A message in a thousand fragments: the connection ends when it is too much."""
    with suppress(ConnectionClosed):
        wire.connection.send(_CHUNK.decode() for _ in range(scale.line_bytes >> 20))
    assert wire.hear() is None
    return f"closed with {wire.connection.close_code}"


def empty_lines(place: Place, scale: Scale) -> str:
    """Lines of nothing: no answer, and the next request is served."""
    wire = greeted(place)
    if isinstance(wire, Streams):
        wire.write_raw(b"\n" * (scale.line_bytes >> 9))
    for line in (b"", b" ", b"\r", b"[]", b"1", b"null", b'"x"', b"{}", b'{"id":1}', b'{"result":1,"id":2}'):
        wire.write(line)
    found = ask(wire, "thread/loaded/list")
    place.leave(wire)
    return f"passed over; {tally([found])}"


def burst(place: Place, scale: Scale) -> str:
    """All requests at once: each is answered once."""
    wire = greeted(place)
    target = place.world.threads[0]
    kinds = [
        {"method": "thread/turns/list", "params": {"threadId": target, "limit": 1}},
        {"method": "thread/loaded/list", "params": {}},
        {"method": "thread/nothing", "params": {}},
        {"method": "thread/read", "params": {"threadId": target}},
    ]
    sent = (json.dumps({"id": one, **kinds[one % len(kinds)]}).encode() for one in range(scale.burst))
    answers = list(_heard_beside(wire, sent, scale.burst))
    assert sorted(one["id"] for one in answers) == list(range(scale.burst))
    place.leave(wire)
    return tally(answers)


def same_ids(place: Place, scale: Scale) -> str:
    """One id for many requests, and members that come twice: as many answers as requests."""
    wire = greeted(place)
    line = b'{"id":1,"id":"again","method":"thread/loaded/list","params":{"limit":"x"},"params":{}}'
    plain = b'{"id":"again","method":"thread/loaded/list","params":{}}'
    answers = list(_heard_beside(wire, [line, plain] * (scale.tries // 2), scale.tries))
    assert {one["id"] for one in answers} == {"again"}
    place.leave(wire)
    return tally(answers)


def deep(place: Place, scale: Scale) -> str:
    """Arrays within arrays, wherever a value may stand: refused or passed over, the next one is served."""
    wire = greeted(place)
    answers: list[dict[str, Any] | str] = []
    for depth in (900, 1_100, 20_000, min(scale.depth, 30_000_000)):
        nests = (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth, b"[" * depth)
        for nest in nests:
            for line in (
                nest,
                b'{"id":7,"method":"thread/list","params":' + nest + b"}",
                b'{"id":7,"method":"thread/list","params":{"cursor":' + nest + b"}}",
                b'{"id":7,"method":"thread/read","params":{"later":' + nest + b',"threadId":"x"}}',
                b'{"id":7,"method":"thread/list","later":' + nest + b',"params":{}}',
                b'{"id":' + nest + b',"method":"thread/list","params":{}}',
                b'{"id":7,"method":' + nest + b',"params":{}}',
            ):
                wire.write(line)
                answers += until_answered(wire)
    place.leave(wire)
    return tally(answers)


def until_answered(wire: Wire) -> list[dict[str, Any]]:
    """Return what was answered so far: all that comes before the answer to one more request."""
    say(wire, {"id": "fence", "method": "nothing", "params": {}})
    found: list[dict[str, Any]] = []
    while True:
        line = wire.hear()
        assert line is not None, "the server left"
        message = json.loads(line)
        if message.get("id") == "fence":
            return found
        if "method" not in message:
            found.append(message)


_BYTES: Final = (
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b"\x00",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    '{"id":1}'.encode("utf-16"),
    b'{"id":7,"method":"thread/read","params":{"threadId":"\xff\xfe"}}',
    b'{"id":7,"method":"thread/read","params":{"threadId":"\xed\xa0\x80"}}',
    b'{"id":7,"method":"thread/read","params":{"threadId":"\\ud800"}}',
    b'{"id":7,"method":"thread/read","params":{"threadId":"\\udfff\\ud800"}}',
    b'{"id":7,"method":"thread/list","params":{"searchTerm":"\\ud83d"}}',
    b'{"id":7,"method":"thread/list","params":{"cwd":"\\u0000"}}',
    b'{"id":7,"method":"\\ud800","params":{}}',
    b'{"id":"\\ud800","method":"thread/loaded/list","params":{}}',
    b'{"id":"\xff","method":"thread/loaded/list","params":{}}',
    b'{"\xff":1,"id":7,"method":"thread/loaded/list","params":{}}',
    b'{"id":7,"method":"thread/loaded/list","params":{"\xc3":1}}',
    b'{"id":7,"method":"thread/loaded/list","params":{}}\x00',
    b'{"id":7,"method":"thread/loaded/list","params":{}} trailing',
    b'{"id":7,"method":"thread/loaded/list","params":{}',
    b"{'id':7}",
    b'{"id":7,"method":"thread/loaded/list",}',
    b"GET / HTTP/1.1",
    b"Content-Length: 5",
)


def no_text(place: Place, scale: Scale) -> str:  # noqa: ARG001
    """Bytes that are no UTF-8, no JSON, half of a character."""
    wire: Wire = greeted(place)
    answers: list[dict[str, Any] | str] = []
    for content in _BYTES:
        try:
            wire.write(content)
            answers += until_answered(wire)
        except (AssertionError, OSError):
            if not isinstance(wire, Frames):
                raise
            answers.append(f"closed with {wire.connection.close_code}")  # a text frame has to be text
            place.leave(wire)
            wire = greeted(place)
    place.leave(wire)
    return tally(answers)


def no_manners(place: Place, scale: Scale) -> str:
    """Requests before the handshake, two handshakes, huge lists in them, nothing but notifications."""
    wire = place.connect()
    answers: list[dict[str, Any] | str] = [ask(wire, "thread/list"), ask(wire, "turn/start"), ask(wire, "x")]
    assert {one["error"]["message"][:15] for one in answers[:2] if isinstance(one, dict)} == {
        "Not initialized"
    }
    greet(wire)
    answers.append(ask(wire, "initialize", clientInfo={"name": "again", "version": "1"}))
    for _ in range(scale.tries):
        wire.write(b'{"method":"initialized"}')
        wire.write(b'{"method":"nothing","params":[1,2,3]}')
    answers += until_answered(wire)
    place.leave(wire)
    other = place.connect()
    names = [f"thread/{number}" for number in range(scale.tries)]
    more = {"experimentalApi": True, "optOutNotificationMethods": names}
    answers.append(
        ask(other, "initialize", clientInfo={"name": "x" * 1_000_000, "version": ""}, capabilities=more)
    )
    say(other, {"id": 3, "method": "thread/loaded/list", "params": {}})
    answers.append(answer_to(other, 3))
    place.leave(other)
    return tally(answers)


LINES: Final = (
    Attack("one line of a gigabyte", long_line),
    Attack("lines of nothing", empty_lines),
    Attack("a burst of requests", burst),
    Attack("one id for all", same_ids),
    Attack("nested too deeply", deep),
    Attack("no text, no JSON", no_text),
    Attack("no manners", no_manners),
)
