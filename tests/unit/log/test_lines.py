"""Lines of a source as records: both directions agree, and tell what keeps them from more."""

from __future__ import annotations

import pytest

from rollout.format.record import Era, Line, Reason, Record, Rejected
from rollout.log.lines import Span, iter_lines, iter_lines_backward
from rollout.log.source import Source, open_source
from rollout.testing.memory import MemoryFileSystem, Stretched
from tests.unit.log.packed import frame, opened
from tests.unit.made_lines import compact, event, header, line, message

PATH = "/home/log.jsonl"
RECORDS = header() + message("user", "hi") + event("warning")


def source_of(content: bytes) -> Source:
    """Open a file with that content."""
    return open_source(MemoryFileSystem({PATH: content}), PATH)


def forward(source: Source, span: Span) -> list[Line]:
    """Return the lines of a span, oldest first."""
    return [line for batch in iter_lines(source, span) for line in batch]


def backward(source: Source, span: Span) -> list[Line]:
    """Return the lines of a span read backward, oldest first."""
    return [line for batch in reversed(list(iter_lines_backward(source, span))) for line in batch]


def both(source: Source, span: Span) -> list[Line]:
    """Return the lines of a span, which both directions agree on."""
    found = forward(source, span)
    assert backward(source, span) == found
    return found


def reasons(lines: list[Line]) -> list[Reason | None]:
    """Return why each line is no record; None for a record."""
    return [line.reason if isinstance(line, Rejected) else None for line in lines]


def test_records_damage_and_torn_tail_come_in_order() -> None:
    """Each with its span."""
    content = RECORDS + b"junk\n" + line("brand_new", {}) + RECORDS + b"{torn"
    with source_of(content) as source:
        found = both(source, Span(0, len(content)))
    expected = [None, None, None, Reason.NOT_JSON, Reason.UNKNOWN_TYPE, None, None, None, Reason.TORN_TAIL]
    assert reasons(found) == expected
    assert found[-1].end_offset == len(content)


def test_a_span_begins_where_it_says() -> None:
    """Behind a header, say; offsets stay those of the file."""
    start = len(header())
    with source_of(RECORDS) as source:
        found = both(source, Span(start, len(RECORDS)))
    assert [line.start_offset for line in found] == [start, start + len(message("user", "hi"))]


def test_a_cut_line_is_damage_and_a_torn_one_is_not() -> None:
    """The difference is whether a base offset or the end of the file ends the span."""
    end = len(RECORDS) - 10
    with source_of(RECORDS) as source:
        assert reasons(both(source, Span(0, end)))[-1] is Reason.TORN_TAIL
        assert reasons(both(source, Span(0, end, is_cut=True)))[-1] is Reason.CUT_LINE


def test_a_line_over_the_cap_is_damage_and_the_rest_is_read() -> None:
    """With its span, in both directions."""
    content = event("warning") + event("warning", message="x" * 500) + event("warning")
    with source_of(content) as source:
        found = both(source, Span(0, len(content), max_line_bytes=200))
    assert reasons(found) == [None, Reason.TOO_LONG, None]
    assert (found[1].start_offset, found[1].end_offset) == (
        len(event("warning")),
        len(content) - len(event("warning")),
    )


@pytest.mark.parametrize("read", [iter_lines, iter_lines_backward])
def test_a_record_of_many_megabytes_is_read(read: object) -> None:
    """An inlined image, say."""
    start, end = event("warning", image="@").split(b"@")
    fs = MemoryFileSystem({PATH: Stretched(RECORDS + start, b"x", 20 << 20, end + RECORDS)})
    with open_source(fs, PATH) as source:
        assert callable(read)
        batches = list(read(source, Span(0, source.size_bytes)))
    assert sum(len(batch) for batch in batches) == 7
    assert all(isinstance(found, Record) for batch in batches for found in batch)


def test_the_era_is_the_spans() -> None:
    """Bare lines are read as such."""
    content = compact({"type": "reasoning"}) + b"\n"
    with source_of(content) as source:
        assert reasons(both(source, Span(0, len(content), Era.BARE))) == [None]
        assert reasons(both(source, Span(0, len(content)))) == [Reason.BAD_ENVELOPE]


def test_only_lines_of_a_type_come_through() -> None:
    """And its escaped spelling does."""
    spelled = event("warning").replace(b"event_msg", b"\\u0065vent_msg")
    content = RECORDS + spelled
    with source_of(content) as source:
        found = both(source, Span(0, len(content), only_type=b"event_msg"))
    assert [line.type for line in found if isinstance(line, Record)] == ["event_msg", "event_msg"]


def test_what_unpacking_could_not_reach_is_reported_last() -> None:
    """Behind the torn tail that it leaves."""
    with opened(frame(RECORDS[:-10]) + b"junk") as source:
        found = both(source, Span(0, source.size_bytes))
    assert reasons(found) == [None, None, Reason.TORN_TAIL, Reason.BAD_COMPRESSION]


def test_a_defect_behind_a_base_offset_is_not_the_childs() -> None:
    """A child's history ends before it."""
    with opened(frame(RECORDS + RECORDS) + b"junk") as source:
        assert source.size_bytes == 2 * len(RECORDS)
        assert reasons(both(source, Span(0, len(RECORDS), is_cut=True))) == [None, None, None]


def test_an_empty_span_gives_nothing() -> None:
    """A fork without records of its own."""
    with source_of(RECORDS) as source:
        assert both(source, Span(len(RECORDS), len(RECORDS))) == []
