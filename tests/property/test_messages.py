"""Whatever a client sends: each request is answered, nothing is fatal, nothing beyond the home is touched."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rollout.appserver.dispatch import METHODS, prepare
from rollout.appserver.protocol import (
    LineBuffer,
    Request,
    Response,
    Unreadable,
    encode_response,
    parse_message,
)
from tests.builders import HOME, thread, uuid
from tests.served import serve

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.sampled_from(
    [
        uuid(1),
        uuid(9),
        uuid(1).upper(),
        "",
        "t1",
        "t1-asked",
        "../../etc/passwd",
        "/etc/passwd",
        "\x00",
        "a" * 5000,
        f"{HOME}/sessions/2026/11/21/rollout-2026-11-21T04-00-00-{uuid(1)}.jsonl",
        json.dumps(
            {
                "requestedThreadId": uuid(1),
                "rolloutOrdinal": -1,
                "includeAnchor": True,
                "scope": {"kind": "turns"},
            }
        ),
        json.dumps(
            {
                "requestedThreadId": uuid(1),
                "rolloutOrdinal": 2**70,
                "includeAnchor": True,
                "scope": {"kind": "turns"},
            }
        ),
        json.dumps({"turnId": "t1", "includeAnchor": True, "copy": 2**70}),
        json.dumps({"threadId": uuid(1), "position": 10**30}),
    ]
)
NUMBERS = st.sampled_from([0, 1, -1, 100, 2**32 - 1, 2**32, 2**63, 1.5])


def members_of(method: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return params for a method: its own members, each with values of every kind."""
    fields = [field.encode_name for field in msgspec.structs.fields(METHODS[method].params)]
    values = TEXTS | NUMBERS | JSON | st.lists(TEXTS, max_size=2)
    return st.dictionaries(st.sampled_from(fields), values, max_size=len(fields)).map(
        lambda given: {"threadId": uuid(1)} | given if "threadId" in fields else given
    )


REQUESTS = st.sampled_from(sorted(METHODS)).flatmap(
    lambda method: st.tuples(st.just(method), members_of(method) | JSON)
)


@given(st.lists(REQUESTS, min_size=1, max_size=8))
def test_every_request_is_answered_whatever_it_holds(requests: list[tuple[str, Any]]) -> None:
    """With a result or an error of the protocol, never a fault of ours, and only below the home."""
    served = serve(thread(1).turn("a").turn("b"), thread(2, mode="legacy").turn("c"))
    for method, params in requests:
        response = served.respond(method, params)
        answer = json.loads(encode_response(response))
        assert ("result" in answer) is not ("error" in answer)
        if "error" in answer:
            assert "fault of this server" not in answer["error"]["message"]
        if response.then is not None:
            served.server.watches.close()
    assert all(path.startswith(f"{HOME}/") for path in served.fs.files())
    served.server.close()


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_message_or_is_passed_over(line: bytes) -> None:
    """And what is taken for a request is handled without an exception."""
    found = parse_message(line)
    if isinstance(found, Unreadable):
        assert found.why
    if isinstance(found, Request):
        served = serve()
        assert isinstance(prepare(served.server, served.server.connect(), found), Response)


@given(
    st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line), max_size=8),
    st.binary(max_size=12).filter(lambda line: b"\n" not in line),
    st.lists(st.integers(0, 100), max_size=8),
)
def test_lines_do_not_depend_on_where_the_stream_is_cut(
    lines: list[bytes], rest: bytes, places: list[int]
) -> None:
    """The same lines come out, each as long as allowed, or told of once."""
    stream = b"".join(line + b"\n" for line in lines) + rest
    buffer, found, start = LineBuffer(max_bytes=6), list[bytes | Unreadable](), 0
    for place in [*sorted(min(place, len(stream)) for place in places), len(stream)]:
        found += buffer.feed(stream[start:place])
        start = place
    expected = [line if len(line) <= 6 else None for line in lines] + ([None] if len(rest) > 6 else [])
    assert [one if isinstance(one, bytes) else None for one in found] == expected
    assert buffer.held_bytes <= 6
