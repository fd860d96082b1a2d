"""The second step of decoding: payloads on demand."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest
from msgspec import Raw

from rollout.format.codec import decode_lines
from rollout.format.decoding import (
    decode_json,
    decode_payload,
    decode_probe,
    decoder_of,
    on_any_stack,
    payload_of,
    steadily,
)
from rollout.format.payloads import RolledBack, TaskStarted
from rollout.format.record import ABSENT, Probe, Record
from tests.unit.made_lines import event, nested, record_of

T = TypeVar("T")


def test_the_payload_keeps_its_bytes() -> None:
    """Spaces, order and spelling stay as they were stored."""
    payload = b'{ "type" : "warning",  "m":"\\u0061" , "n":1.50e+3 }'
    stored = b'{"payload":' + payload + b',"type":"event_msg","timestamp":"t"}\n'
    assert bytes(payload_of(record_of(stored))) == payload


def test_a_payload_of_another_shape_is_none() -> None:
    """Asking for the wrong shape is no error."""
    assert decode_payload(record_of(event("task_started", turn_id="t")), RolledBack) is None


def test_a_payload_is_decoded_as_asked() -> None:
    """Members that the shape does not declare are skipped."""
    found = decode_payload(record_of(event("task_started", turn_id="t", extra=[1])), TaskStarted)
    assert found == TaskStarted("t")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'"\xff"', b"5", b"[" * 5000])
def test_bytes_that_do_not_fit_decode_to_none(content: bytes) -> None:
    """Whatever they are."""
    assert decode_json(content, TaskStarted) is None


@pytest.mark.parametrize("content", [b"5", b"[]", b"null", b'{"type":5}', b"{"])
def test_what_has_no_type_of_text_has_no_probe(content: bytes) -> None:
    """A probe is of an object, and its type is text if it has one."""
    assert decode_probe(content) is None


def test_odd_members_of_a_probe_read_as_absent() -> None:
    """Only the type decides whether there is a probe."""
    found = decode_probe(b'{"type":"x","role":5,"turn_id":[],"content":7}')
    assert found is not None
    assert (found.type, found.role, found.turn_id, found.content) == ("x", None, None, None)
    assert found.output == ABSENT


def test_an_object_without_known_members_has_an_empty_probe() -> None:
    """Nothing is known of it."""
    assert decode_probe(b'{"any":1}') == Probe()


def _on_a_deep_stack(call: Callable[[], T], spare_frames: int) -> T:
    """Return what `call` returns with so few frames of the stack left."""
    depth = 0
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        depth += 1

    def descend(levels: int) -> T:
        return call() if levels == 0 else descend(levels - 1)

    return descend(sys.getrecursionlimit() - depth - spare_frames)


@pytest.mark.parametrize(
    "before", [b"", b'"metadata":{"payload":[1,{"a":"}"}]},', b'"x":"\\",\\"payload\\":1",', b'"payload":0,']
)
@pytest.mark.parametrize("name", [b'"payload"', b'"p\\u0061yload"', b' "payload" '])
def test_a_payload_is_found_however_deep_the_caller_stands(before: bytes, name: bytes) -> None:
    """A line that decoded once gives its payload on any stack."""
    payload = b'{"type":"warning","x":' + nested(400) + b',"s":"\\\\","t":"]}"}'
    stored = b'{"timestamp":"t","type":"event_msg",' + before + name + b": " + payload + b' ,"z":[{}]}\n'
    record = record_of(stored)
    assert _on_a_deep_stack(lambda: payload_of(record), 200) == Raw(payload)


@pytest.mark.parametrize("levels", [500, 900, 980, 1100])
@pytest.mark.parametrize(
    "type_", [b"event_msg", b"session_meta", b"turn_context", b"compacted", b"world_state"]
)
def test_whether_a_line_is_a_record_does_not_depend_on_who_asks(levels: int, type_: bytes) -> None:
    """History is a function of the lineage: a caller deep in its own calls reads the same lines."""
    members = (
        b'"type":"warning","id":"01a1fc4b-921c-7d43-9b41-9cfd2815c7cb","timestamp":"t","cwd":"/",'
        b'"originator":"o","cli_version":"1","approval_policy":"never","model":"m","message":"",'
        b'"sandbox_policy":{"type":"read-only"},"full":true,"state":{},"extra":'
    )
    stored = b'{"timestamp":"t","type":"' + type_ + b'","payload":{' + members + nested(levels) + b"}}\n"
    (shallow,) = decode_lines(stored, 0)
    (deep,) = _on_a_deep_stack(lambda: decode_lines(stored, 0), 150)
    assert isinstance(shallow, Record) is (levels < 1000)
    assert isinstance(deep, Record) is isinstance(shallow, Record)


def test_a_shape_is_decoded_on_any_stack() -> None:
    """The second step as well."""
    content = b'{"turn_id":"t","extra":' + nested(900) + b"}"
    assert _on_a_deep_stack(lambda: decode_json(content, TaskStarted), 150) == TaskStarted("t")


def test_what_decodes_nowhere_says_so() -> None:
    """A fresh stack has an end, too."""
    with pytest.raises(RecursionError):
        steadily(decoder_of(TaskStarted), b'{"extra":' + nested(100_000) + b"}")


def test_errors_of_a_fresh_stack_are_the_callers() -> None:
    """Nothing is swallowed on the way."""

    def fail() -> None:
        if threading.current_thread() is threading.main_thread():
            raise RecursionError
        raise ValueError("found on the other stack")

    with pytest.raises(ValueError, match="the other stack"):
        on_any_stack(fail)
