"""The short way to a record: it says nothing that the long way does not say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollout.format.codec import examine
from rollout.format.record import Envelope, Era, Probe, Record
from rollout.format.regular import Unclear, find_records, is_utf8
from tests.unit.made_lines import compact, event, message

RECORDED = Path(__file__).parents[3] / "fixtures" / "recorded"
ODD_VALUES = (None, True, 5, -1, 1.5, "x", [], [5], [{"type": 5}], {}, {"type": "x"})


def recorded_lines() -> dict[str, Any]:
    """Return one line of every kind that the reference client wrote."""
    found: dict[str, Any] = {}
    for path in sorted(RECORDED.glob("**/*.jsonl")):
        for stored in path.read_bytes().splitlines():
            line = json.loads(stored)
            if "payload" in line:
                payload = line["payload"]
                found.setdefault(f"{line['type']} {payload.get('type')} {payload.get('role')}", line)
    return found


LINES = recorded_lines()


def altered(members: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield `members` with each of them left out, and with each of them set to odd values."""
    for name in members:
        yield {key: value for key, value in members.items() if key != name}
        for odd in ODD_VALUES:
            yield {**members, name: odd}


def altered_lines(line: dict[str, Any]) -> Iterator[bytes]:
    """Yield a line with its envelope or its payload altered in one place."""
    for found in altered(line):
        yield compact(found) + b"\n"
    for payload in altered(line["payload"]):
        yield compact({**line, "payload": payload}) + b"\n"


def find_envelope(stored: bytes) -> Envelope | None:
    """Return the envelope of a line that took the short way."""
    (found,) = find_records([stored], [0])
    return found.envelope if isinstance(found, Record) else None


def said(envelope: Envelope) -> dict[str, Any]:
    """Return what everybody may ask of an envelope."""
    probe = {name: getattr(envelope.payload, name) for name in Probe.__struct_fields__}
    return {**msgspec.structs.asdict(envelope), "payload": probe}


@pytest.mark.parametrize("name", LINES)
def test_recorded_lines_take_the_short_way(name: str) -> None:
    """It is worth nothing unless the common lines take it."""
    assert find_envelope(compact(LINES[name]) + b"\n") is not None


@pytest.mark.parametrize("name", LINES)
def test_the_short_way_agrees_with_the_long_one(name: str) -> None:
    """Whatever is odd about a line: what is accepted without a closer look is accepted with one."""
    for stored in altered_lines(LINES[name]):
        envelope = find_envelope(stored)
        if envelope is not None:
            record = examine(stored, 0, Era.ENVELOPE)
            assert isinstance(record, Record), stored
            assert said(envelope) == said(record.envelope), stored


def test_an_odd_line_leaves_the_short_way_to_the_others() -> None:
    """Lines are decoded together and judged each on its own."""
    lines = [event("warning", message="a"), b"{\n", event("no_such_event"), event("warning", message="b")]
    starts = [10, 20, 30, 40]
    found = find_records(lines, starts)
    assert [type(line) for line in found] == [Record, Unclear, Unclear, Record]
    assert [line.start_offset for line in found] == starts


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80"])
def test_bytes_that_are_not_utf8_need_a_closer_look(bad: bytes) -> None:
    """Wherever they stand, also where nothing else looks."""
    stored = event("warning", message="?").replace(b"?", bad)
    assert find_envelope(stored) is None


def test_text_beyond_ascii_takes_the_short_way() -> None:
    """UTF-8 is nothing odd."""
    assert find_envelope(message("user", "ü ✓ 😀")) is not None


@pytest.mark.parametrize(
    ("content", "expected"), [(b"a", True), ("ü".encode(), True), (b"\xff", False), (b"", True)]
)
def test_utf8_is_told_from_other_bytes(content: bytes, expected: bool) -> None:
    """By decoding it."""
    assert is_utf8(content) is expected


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize(("behind", "expected"), [(b"", True), (b"\xff", False), (b"\xc3", False)])
def test_a_long_line_is_judged_as_a_short_one(shift: int, behind: bytes, expected: bool) -> None:
    """It is decoded by parts, which may end inside a character."""
    assert is_utf8(b"a" * shift + "😀".encode() * 20_000 + behind) is expected
