"""Lines to messages and back: what is answered, what is passed over, how much is held."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from rollout.appserver.protocol import (
    Error,
    LineBuffer,
    Note,
    Notification,
    Request,
    Response,
    Unreadable,
    encode_note,
    encode_response,
    encode_value,
    parse_message,
)


@pytest.mark.parametrize("request_id", ["a", "", 0, -7, 2**63 - 1])
def test_a_request_keeps_its_id_with_its_type(request_id: str | int) -> None:
    """Clients find their request by the id, whatever kind they chose."""
    found = parse_message(json.dumps({"id": request_id, "method": "m", "params": {}}).encode())
    assert isinstance(found, Request)
    assert (found.id, type(found.id)) == (request_id, type(request_id))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"  \r",
        b"[]",
        b'"text"',
        b"{}",
        b'{"id":1}',
        b'{"id":1,"method":5}',
        b'{"id":1,"result":{}}',
        b'{"id":1.5,"method":"m","params":{}}',
        b'{"id":1e3,"method":"m","params":{}}',
        b'{"id":null,"method":"m","params":{}}',
        b'{"id":9223372036854775808,"method":"m","params":{}}',
        b'{"id":[1],"method":"m","params":{}}',
    ],
)
def test_what_is_no_request_is_passed_over(line: bytes) -> None:
    """Nobody waits for an answer to it."""
    assert parse_message(line) is None


@pytest.mark.parametrize("line", [b"{", b"\xff", b"nonsense", b'{"id":1,}', b"\x00"])
def test_what_is_no_json_is_unreadable(line: bytes) -> None:
    """Whoever sent it is told."""
    assert isinstance(parse_message(line), Unreadable)


def test_a_notification_has_no_id() -> None:
    """It is told apart from a request, for it is never answered."""
    assert parse_message(b'{"method":"initialized"}') == Notification("initialized")


@pytest.mark.parametrize("params", [b"", b',"params":null'])
def test_missing_and_null_params_are_one(params: bytes) -> None:
    """Both lack what every method wants: an object."""
    found = parse_message(b'{"id":1,"method":"m"%b}' % params)
    assert isinstance(found, Request)
    assert found.params is None


def test_carriage_returns_and_unknown_members_are_ignored() -> None:
    """Older and newer clients, and those of other platforms, are understood."""
    found = parse_message(b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1},"x":[]}\r')
    assert found == Request(1, "m", Raw(b'{"a":1}'))


def test_a_response_is_one_line() -> None:
    """Text with line breaks stays on the line of its message."""
    line = encode_response(Response(1, encode_value({"text": "a\nb"})))
    assert line == b'{"id":1,"result":{"text":"a\\nb"}}\n'


def test_an_error_without_data_has_no_such_member() -> None:
    """Strict clients know two members."""
    assert encode_response(Response(None, error=Error(-1, "no"))) == (
        b'{"id":null,"error":{"code":-1,"message":"no"}}\n'
    )


def test_a_notification_says_when_it_was_emitted() -> None:
    """The time stands beside the params, not inside."""
    assert encode_note(Note("m", {"a": 1}), 7) == b'{"method":"m","params":{"a":1},"emittedAtMs":7}\n'


def test_names_that_are_no_text_become_text() -> None:
    """A file name may hold any byte; JSON may not."""
    assert json.loads(bytes(encode_value({"path": "a\udcffb", "all": ("\udcff",)}))) == {
        "path": "a?b",
        "all": ["?"],
    }


def test_lines_come_out_whole_however_they_come_in() -> None:
    """A stream knows nothing of lines."""
    lines = LineBuffer()
    assert lines.feed(b"on") == []
    assert lines.feed(b"e\ntwo\nth") == [b"one", b"two"]
    assert lines.feed(b"ree\n\n") == [b"three", b""]


def test_an_overlong_line_is_told_of_once_and_not_held() -> None:
    """A line without an end must not fill the memory, and what follows it is read."""
    lines = LineBuffer(max_bytes=8)
    (told,) = lines.feed(b"x" * 9)
    assert isinstance(told, Unreadable)
    assert lines.feed(b"x" * 1000) == []
    assert lines.held_bytes == 0
    assert lines.feed(b"x\nshort\n") == [b"short"]


def test_a_line_of_just_the_length_is_taken() -> None:
    """The bound is inclusive, wherever the line is cut."""
    lines = LineBuffer(max_bytes=8)
    assert lines.feed(b"1234") == []
    assert lines.feed(b"5678\n") == [b"12345678"]
