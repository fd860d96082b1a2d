"""Decoding holds for all bytes: it never raises, never guesses, and never loses a line."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rollout.errors import RolloutError
from rollout.format.codec import decode_lines, examine
from rollout.format.decoding import decode_json, decode_payload, payload_of
from rollout.format.items import is_boundary, is_contextual_developer, is_contextual_user, is_history
from rollout.format.payloads import Compacted, SessionMeta, TurnContext
from rollout.format.record import Envelope, Era, Probe, Record, Rejected
from rollout.format.regular import find_records
from rollout.log.header import read_header
from rollout.log.source import open_source
from rollout.testing.memory import MemoryFileSystem
from tests.property.made_bytes import CONTENTS, JSON, LINES
from tests.unit.made_lines import line, record_of

ERAS = st.sampled_from(list(Era))


@given(content=CONTENTS | st.binary(), era=ERAS, is_cut=st.booleans())
def test_decoding_never_raises(content: bytes, era: Era, is_cut: bool) -> None:
    """Nor does anything that is asked of a record afterwards."""
    for found in decode_lines(content, 0, era, is_cut=is_cut):
        if isinstance(found, Rejected):
            assert found.detail
            continue
        assert payload_of(found)
        for shape in (SessionMeta, TurnContext, Compacted):
            decode_payload(found, shape)
        probe = found.envelope.payload
        for question in (is_history, is_boundary, is_contextual_user, is_contextual_developer):
            question(probe)


@given(content=CONTENTS)
def test_a_record_is_what_a_strict_reader_of_json_sees(content: bytes) -> None:
    """The standard library agrees on every member of every record."""
    for found in decode_lines(content, 0):
        if not isinstance(found, Record):
            continue
        members: dict[str, Any] = json.loads(found.line.decode())
        assert members["timestamp"] == found.envelope.timestamp
        assert members["type"] == found.type
        assert members.get("ordinal") == found.ordinal
        assert json.loads(bytes(payload_of(found))) == members["payload"]
        if found.kind is not None:
            assert members["payload"]["type"] == found.kind


@given(content=CONTENTS)
def test_a_line_refused_as_no_json_is_none(content: bytes) -> None:
    """What the standard library reads as an object of text is not called malformed."""
    for found in decode_lines(content + b"\n", 0):
        stored = content[found.start_offset : found.end_offset]
        if isinstance(found, Record) or found.reason.value != "notJson":
            continue
        try:
            value = json.loads(stored.decode(), parse_constant=_refuse)
            json.dumps(value, ensure_ascii=False).encode()  # lone surrogates are no text
        except (ValueError, RecursionError):
            continue
        raise AssertionError(f"readable JSON was refused: {found.detail}")


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


@given(first=CONTENTS, second=CONTENTS, era=ERAS, start=st.integers(0, 1 << 40))
def test_decoding_in_pieces_is_decoding_the_whole(first: bytes, second: bytes, era: Era, start: int) -> None:
    """Lines know nothing of each other."""
    first += b"\n"
    whole = decode_lines(first + second, start, era)
    assert whole == decode_lines(first, start, era) + decode_lines(second, start + len(first), era)


@given(content=CONTENTS, only_type=st.sampled_from(["event_msg", "response_item", "compacted"]))
def test_reading_for_one_type_loses_no_record_of_it(content: bytes, only_type: str) -> None:
    """However its name is spelled."""

    def wanted(passed: bytes | None) -> list[Record]:
        lines = decode_lines(content, 0, only_type=passed)
        return [found for found in lines if isinstance(found, Record) and found.type == only_type]

    assert wanted(only_type.encode()) == wanted(None)


@given(content=CONTENTS, only_type=st.sampled_from([b"event_msg", b"compacted"]))
def test_reading_for_one_type_invents_nothing(content: bytes, only_type: bytes) -> None:
    """Every line that comes through is one of the whole."""
    whole = decode_lines(content, 0)
    assert all(found in whole for found in decode_lines(content, 0, only_type=only_type))


@given(payload=st.dictionaries(st.text().filter(lambda name: name != "type"), JSON))
def test_an_unknown_item_is_carried_verbatim(payload: dict[str, Any]) -> None:
    """Whatever it holds, its bytes stay as they were stored."""
    stored = line("response_item", {"type": "brand_new", **payload})
    record = record_of(stored)
    assert stored == record.line + b"\n"
    assert bytes(payload_of(record)) in stored


@given(content=CONTENTS | st.binary(), cap=st.integers(1, 400), bound=st.none() | st.integers(0, 300))
def test_a_header_is_read_or_reported_missing(content: bytes, cap: int, bound: int | None) -> None:
    """Nothing but an error of ours escapes."""
    with open_source(MemoryFileSystem({"/log.jsonl": content}), "/log.jsonl") as source:
        try:
            found = read_header(source, cap, bound)
        except RolloutError:
            return
    assert content[found.start_offset : found.end_offset].strip()


@given(stored=LINES)
def test_bytes_decode_or_do_not(stored: bytes) -> None:
    """Asking for a shape never raises."""
    for shape in (dict[str, msgspec.Raw], list[int], str, Compacted):
        decode_json(stored, shape)


@given(stored=LINES, ends=st.sampled_from([b"\n", b"\r\n", b""]))
def test_the_fast_way_never_accepts_what_the_careful_way_refuses(stored: bytes, ends: bytes) -> None:
    """And where it accepts, it reads the same."""
    stored = stored.replace(b"\n", b"") + ends
    (found,) = find_records([stored], [0])
    if not isinstance(found, Record):
        return
    quick = found.envelope
    careful = examine(stored, 0, Era.ENVELOPE)
    assert isinstance(careful, Record)
    fields = Envelope.__struct_fields__
    assert [getattr(quick, name) for name in fields if name != "payload"] == [
        getattr(careful.envelope, name) for name in fields if name != "payload"
    ]
    for name in Probe.__struct_fields__:
        assert getattr(quick.payload, name) == getattr(careful.envelope.payload, name)
