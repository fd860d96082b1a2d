"""Reading lines holds for all bytes: both ends, any prefix, plain or compressed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from rollout.format.record import Era, Line, Reason, Record, Rejected
from rollout.log import chunks
from rollout.log.lines import Span, iter_lines, iter_lines_backward
from rollout.log.source import Source, open_source
from rollout.testing.memory import MemoryFileSystem
from tests.property.made_bytes import CONTENTS
from tests.unit.log.packed import frame, skippable

CAPS = st.integers(1, 300) | st.just(chunks.MAX_LINE_BYTES)
BLOCKS = st.sampled_from([1, 2, 3, 7, 64, 1 << 16])
ERAS = st.sampled_from(list(Era))
ONLY = st.none() | st.just(b"event_msg")


@contextmanager
def opened(content: bytes, block_bytes: int = 1 << 16, name: str = "/log.jsonl") -> Iterator[Source]:
    """Open a log that is read in blocks of that size, growing to twice as much."""
    sizes = {"_FIRST_BLOCK_BYTES": block_bytes, "_LAST_BLOCK_BYTES": 2 * block_bytes}
    with mock.patch.multiple(chunks, **sizes), open_source(MemoryFileSystem({name: content}), name) as source:
        yield source


def forward(source: Source, span: Span) -> list[Line]:
    """Return the lines of a span, read oldest first."""
    return [line for batch in iter_lines(source, span) for line in batch]


def backward(source: Source, span: Span) -> list[Line]:
    """Return the lines of a span, read newest first and put in order."""
    return [line for batch in reversed(list(iter_lines_backward(source, span))) for line in batch]


def line_ends(content: bytes) -> list[int]:
    """Return where the lines of the content end, newline included; the last need not have one."""
    ends, end = [], 0
    for piece in content.split(b"\n"):
        end += len(piece) + 1
        ends.append(min(end, len(content)))
    return ends


@given(content=CONTENTS, cap=CAPS, block=BLOCKS, era=ERAS, is_cut=st.booleans(), only=ONLY)
def test_both_directions_give_the_same_lines(
    content: bytes, cap: int, block: int, era: Era, is_cut: bool, only: bytes | None
) -> None:
    """Records, spans, reasons and details."""
    span = Span(0, len(content), era, is_cut, cap, only)
    with opened(content, block) as source:
        assert backward(source, span) == forward(source, span)


@given(content=CONTENTS, cap=CAPS, block=BLOCKS, data=st.data())
def test_both_directions_agree_on_any_range(
    content: bytes, cap: int, block: int, data: st.DataObject
) -> None:
    """From any line start to anywhere."""
    start = data.draw(st.sampled_from([0, *line_ends(content)]))
    end = data.draw(st.integers(start, len(content)))
    span = Span(start, end, max_line_bytes=cap)
    with opened(content, block) as source:
        found = forward(source, span)
        assert backward(source, span) == found
    assert all(start <= line.start_offset < line.end_offset <= end for line in found)


@given(content=CONTENTS, cap=CAPS, block=BLOCKS, era=ERAS)
def test_spans_tile_the_log(content: bytes, cap: int, block: int, era: Era) -> None:
    """Together with the blank lines they cover every byte once, cut at newlines alone."""
    with opened(content, block) as source:
        found = forward(source, Span(0, len(content), era, max_line_bytes=cap))
    ends = line_ends(content)
    at = 0
    for line in found:
        assert not content[at : line.start_offset].strip()
        assert line.start_offset == 0 or line.start_offset in ends
        assert line.end_offset in ends
        assert content.count(b"\n", line.start_offset, line.end_offset - 1) == 0
        at = line.end_offset
    assert not content[at:].strip()


@given(content=CONTENTS, cap=st.integers(1, 300), block=BLOCKS)
def test_exactly_the_lines_over_the_cap_are_refused(content: bytes, cap: int, block: int) -> None:
    """The newline does not count, blank lines do not matter."""
    with opened(content, block) as source:
        found = forward(source, Span(0, len(content), max_line_bytes=cap))
    refused = {
        line.start_offset for line in found if isinstance(line, Rejected) and line.reason is Reason.TOO_LONG
    }
    starts = [0, *line_ends(content)]
    lengths = zip(starts, content.split(b"\n"), strict=False)
    assert refused == {start for start, piece in lengths if len(piece) > cap}


@given(content=CONTENTS, block=BLOCKS, data=st.data())
def test_any_prefix_is_readable(content: bytes, block: int, data: st.DataObject) -> None:
    """Every complete line before the cut is what it was, and at most one line is left behind it."""
    cut = data.draw(st.integers(0, len(content)))
    with opened(content, block) as source:
        whole = forward(source, Span(0, len(content)))
    with opened(content[:cut], block) as source:
        prefix = forward(source, Span(0, cut))
    kept = [line for line in whole if line.end_offset <= cut and content[line.end_offset - 1] == ord("\n")]
    assert prefix[: len(kept)] == kept
    (rest,) = prefix[len(kept) :] or [None]
    if rest is not None:
        assert rest.end_offset == cut
        assert not isinstance(rest, Record) or not rest.is_terminated or rest in whole


@given(content=CONTENTS, block=BLOCKS, data=st.data())
def test_compressed_or_plain_the_lines_are_the_same(content: bytes, block: int, data: st.DataObject) -> None:
    """Frames may be cut anywhere, and others may stand between them."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=3)))
    edges = [0, *cuts, len(content)]
    packed = b"".join(frame(content[start:end]) + skippable(b"x" * start) for start, end in pairwise(edges))
    span = Span(0, len(content))
    with opened(content, block) as plain, opened(packed, block, "/log.jsonl.zst") as compressed:
        assert compressed.size_bytes == len(content)
        assert compressed.defect is None
        assert forward(compressed, span) == backward(compressed, span) == forward(plain, span)


@given(content=CONTENTS, data=st.data())
def test_a_compressed_log_cut_anywhere_keeps_its_beginning(content: bytes, data: st.DataObject) -> None:
    """What is read is a prefix, and unless the cut falls between frames, it says so."""
    middle = len(content) // 2
    first, second = frame(content[:middle]), frame(content[middle:])
    cut = data.draw(st.integers(0, len(first + second)))
    with opened((first + second)[:cut], name="/log.jsonl.zst") as source:
        kept = source.read_at(0, source.size_bytes)
        found = forward(source, Span(0, len(kept)))
    assert content.startswith(kept)
    assert (source.defect is None) is (cut in {len(first), len(first + second)})
    if source.defect is not None:
        assert found[-1] == source.defect


@given(content=CONTENTS, data=st.data())
def test_a_compressed_log_altered_anywhere_says_so(content: bytes, data: st.DataObject) -> None:
    """Frames before the altered one read as they were."""
    first, second = frame(content), frame(content)
    place = data.draw(st.integers(0, len(second) - 1))
    altered = bytearray(second)
    altered[place] ^= data.draw(st.integers(1, 255))
    with opened(first + altered, name="/log.jsonl.zst") as source:
        kept = source.read_at(0, source.size_bytes)
    assert kept.startswith(content)
    assert source.defect is not None or kept == content + content


@given(packed=st.binary(max_size=200) | st.binary(max_size=50).map(lambda tail: frame(b"x")[:6] + tail))
def test_any_bytes_may_be_a_compressed_log(packed: bytes) -> None:
    """They unpack, or the source has a defect; nothing raises."""
    with opened(packed, name="/log.jsonl.zst") as source:
        size_bytes = source.size_bytes
        assert len(source.read_at(0, size_bytes + 10)) == size_bytes
