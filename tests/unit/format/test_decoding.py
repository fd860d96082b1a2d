"""The second step of decoding: payloads on demand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import pytest
from msgspec import Raw

from rollout.format.decoding import decode_json, decode_payload, decode_probe, payload_of
from rollout.format.payloads import RolledBack, TaskStarted
from rollout.format.record import ABSENT, Probe
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
