"""Lines that are no records: each with its reason and its span, and none of them fatal."""

from __future__ import annotations

import pytest

from rollout.format.codec import decode_lines
from rollout.format.record import HARMLESS, Era, Reason, Record, Rejected
from tests.unit.made_lines import TIME, compact, event, header, item, line, message, nested, rejected_of

GOOD = event("warning", message="low on space")


@pytest.mark.parametrize(
    "content",
    [
        b"not json\n",
        b'{"timestamp":"t"\n',
        GOOD[:-2] + b"\n",
        GOOD[:-1] + b"}\n",
        GOOD[:-1] + GOOD,
        GOOD.replace(b"low", b"l\tow"),
        GOOD.replace(b"low", b"l\\xow"),
        GOOD.replace(b"low", b"\\ud800 low"),
        GOOD.replace(b'"low on space"', b"NaN"),
        GOOD.replace(b'"low on space"', b"01"),
        GOOD.replace(b'"low on space"', b"[1,]"),
        b"\xef\xbb\xbf" + GOOD,
        b"\x00\x00\x00\x00\n",
    ],
)
def test_malformed_json_rejects(content: bytes) -> None:
    """Whatever is not exactly one JSON value is damage."""
    rejected = rejected_of(content)
    assert rejected.reason is Reason.NOT_JSON
    assert rejected.is_damage


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80"])
def test_bad_utf8_rejects_its_line_alone(bad: bytes) -> None:
    """Bytes that are no UTF-8 cost the line they stand in, and are located."""
    content = GOOD + GOOD.replace(b"low", bad) + GOOD
    before, rejected, after = decode_lines(content, 100)
    assert isinstance(before, Record)
    assert isinstance(after, Record)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is Reason.BAD_UTF8
    assert rejected.detail == f"byte {100 + content.index(bad)} is not UTF-8"


def test_good_utf8_is_read() -> None:
    """Text outside ASCII is ordinary."""
    (found,) = decode_lines(message("user", "ü ✓ 😀"), 0)
    assert isinstance(found, Record)


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"  \t \n", b"\n\n\n"])
def test_blank_lines_give_nothing(blank: bytes) -> None:
    """A blank line is neither a record nor damage, and the spans of others do not move."""
    first, second = decode_lines(GOOD + blank + GOOD, 0)
    assert (first.start_offset, first.end_offset) == (0, len(GOOD))
    assert second.start_offset == len(GOOD) + len(blank)


def test_crlf_ends_a_line() -> None:
    """A carriage return before the newline is white space of the line."""
    (record,) = decode_lines(GOOD[:-1] + b"\r\n", 0)
    assert isinstance(record, Record)
    assert record.end_offset == len(GOOD) + 1


def test_spans_tile_the_content() -> None:
    """Every line, record or not, has its half-open span, newline included."""
    pieces = [GOOD, b"junk\n", line("nope", {}), message("user", "hi"), b"{torn"]
    lines = decode_lines(b"".join(pieces), 1000)
    offset = 1000
    for found, piece in zip(lines, pieces, strict=True):
        assert (found.start_offset, found.end_offset) == (offset, offset + len(piece))
        offset += len(piece)


def test_a_torn_tail_is_ignored() -> None:
    """An incomplete last line is what a crash leaves: noted, but no damage."""
    _, tail = decode_lines(GOOD + GOOD[:20], 0)
    assert isinstance(tail, Rejected)
    assert tail.reason is Reason.TORN_TAIL
    assert not tail.is_damage


@pytest.mark.parametrize("tail", [GOOD.replace(b"low", b"\xe2\x82")[:70], b"\x00" * 40])
def test_any_bytes_may_be_a_torn_tail(tail: bytes) -> None:
    """A tail cut inside a character, or filled with zeros, is torn as well."""
    (found,) = decode_lines(tail, 0)
    assert isinstance(found, Rejected)
    assert found.reason is Reason.TORN_TAIL


def test_a_complete_last_line_without_newline_is_a_record() -> None:
    """It counts, and says that its newline is missing."""
    first, second = decode_lines(GOOD + GOOD[:-1], 0)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.is_terminated, second.is_terminated) == (True, False)
    assert second.end_offset == 2 * len(GOOD) - 1


def test_a_complete_last_line_of_bad_shape_is_damage() -> None:
    """Valid JSON that is no record was not cut short."""
    (found,) = decode_lines(b'{"timestamp":5}', 0)
    assert isinstance(found, Rejected)
    assert found.reason is Reason.BAD_ENVELOPE


def test_a_line_cut_by_a_base_is_damage() -> None:
    """A base offset inside a line makes that line partial."""
    (found,) = decode_lines(GOOD[:30], 0, is_cut=True)
    assert isinstance(found, Rejected)
    assert found.reason is Reason.CUT_LINE
    assert found.is_damage


def test_a_base_offset_before_the_newline_keeps_the_record() -> None:
    """The line is complete without its newline."""
    (found,) = decode_lines(GOOD[:-1], 0, is_cut=True)
    assert isinstance(found, Record)


def _deep(type_: bytes, levels: int, where: bytes = b'"extra":') -> bytes:
    payload = b'{"type":"warning","turn_id":"t",' + where + nested(levels) + b"}"
    return b'{"timestamp":"t","type":"' + type_ + b'","payload":' + payload + b"}\n"


@pytest.mark.parametrize(
    "type_", [b"event_msg", b"response_item", b"session_meta", b"turn_context", b"compacted", b"world_state"]
)
@pytest.mark.parametrize("levels", [980, 1100, 100_000])
def test_nesting_too_deep_to_decode_rejects(type_: bytes, levels: int) -> None:
    """No depth of nesting raises; what cannot be decoded is rejected."""
    before, _, after = decode_lines(GOOD + _deep(type_, levels) + GOOD, 0)
    assert isinstance(before, Record)
    assert isinstance(after, Record)
    if levels > 1000:
        assert rejected_of(_deep(type_, levels)).reason is Reason.TOO_DEEP


@pytest.mark.parametrize("levels", range(900, 1001))
def test_no_depth_around_the_limit_raises(levels: int) -> None:
    """The second step of decoding may meet the limit that the first one just passed."""
    for type_ in (b"session_meta", b"compacted", b"turn_context", b"world_state", b"event_msg"):
        decode_lines(_deep(type_, levels), 0)


def test_ordinary_nesting_is_read() -> None:
    """A hundred levels are no trouble."""
    (found,) = decode_lines(_deep(b"event_msg", 100), 0)
    assert isinstance(found, Record)


@pytest.mark.parametrize("type_", ["brand_new", ""])
def test_an_unknown_type_is_no_damage(type_: str) -> None:
    """A newer client's line is no record for us, and nothing is wrong with it."""
    rejected = rejected_of(line(type_, {"any": "thing"}))
    assert rejected.reason is Reason.UNKNOWN_TYPE
    assert not rejected.is_damage


def test_a_checkpoint_is_no_record_and_no_damage() -> None:
    """Only a resume looks at its positions; for everybody else the line is not there."""
    rejected = rejected_of(line("checkpoint", {"any": "thing"}))
    assert rejected.reason is Reason.CHECKPOINT
    assert not rejected.is_damage


def test_harmless_reasons_are_these() -> None:
    """Only a newer type, an older shape, positions and a write cut short say nothing bad of the bytes."""
    assert set(HARMLESS) == {Reason.UNKNOWN_TYPE, Reason.OBSOLETE, Reason.CHECKPOINT, Reason.TORN_TAIL}


@pytest.mark.parametrize(
    "content",
    [
        line("x" * 10_000, {}),
        event("x" * 10_000),
        item("message", role="user", content=[{"type": "x" * 10_000}]),
        line(
            "turn_context", {"cwd": "/", "model": "m", "approval_policy": "x" * 10_000, "sandbox_policy": {}}
        ),
        header("x" * 10_000),
        header(history_mode="x" * 10_000),
    ],
)
def test_a_report_stays_short_whatever_the_line_holds(content: bytes) -> None:
    """A detail quotes no more than a few words of the line."""
    assert len(rejected_of(content).detail) < 500


def test_empty_content_gives_nothing() -> None:
    """No bytes, no lines."""
    assert decode_lines(b"", 0) == []


def test_a_line_of_another_era_is_not_an_envelope() -> None:
    """The era is a property of the file, so a bare item among envelopes is damage."""
    stored = compact({"type": "message", "role": "user", "content": []}) + b"\n"
    assert rejected_of(stored).reason is Reason.BAD_ENVELOPE


def test_an_envelope_among_bare_lines_is_read_as_a_bare_line() -> None:
    """In a bare file a line of the later shape stands for an item of its type, unknown though it be."""
    stored = compact({"timestamp": TIME, "type": "event_msg", "payload": {}}) + b"\n"
    (found,) = decode_lines(stored, 0, Era.BARE)
    assert isinstance(found, Record)
    assert found.type == "response_item"


def test_history_that_was_moved_away_is_missed() -> None:
    """A reference to a file of older records is no newer type to pass over: something is not there."""
    rejected = rejected_of(line("rollout_reference", {"rollout_path": "/old/part.jsonl"}))
    assert rejected.reason is Reason.MISSING_HISTORY
    assert rejected.is_damage
    assert "/old/part.jsonl" in rejected.detail
