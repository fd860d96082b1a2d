"""Whole lines from either end, in bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from rollout.format.record import Reason, Rejected
from rollout.log.chunks import MAX_LINE_BYTES, Chunk, Lines, iter_chunks, iter_chunks_backward
from rollout.log.source import Source, open_source
from rollout.testing.memory import Content, MemoryFileSystem, Stretched

PATH = "/home/log.jsonl"
Chunks = Callable[[Source, int, int, int], Iterator[Chunk | Lines | Rejected]]
DIRECTIONS = [
    pytest.param(iter_chunks, id="forward"),
    pytest.param(iter_chunks_backward, id="backward"),
]
MIB = 1 << 20


def chunks_of(
    content: bytes | Content, read: Chunks, cap: int, start: int = 0
) -> list[Chunk | Lines | Rejected]:
    """Return the chunks of a whole file, oldest first."""
    with open_source(MemoryFileSystem({PATH: content}), PATH) as source:
        found = list(read(source, start, source.size_bytes, cap))
    return sorted(found, key=lambda chunk: chunk.start_offset)


def lines_of(chunks: list[Chunk | Lines | Rejected]) -> list[bytes | int]:
    """Return every line with its newline; of a line refused, its length."""
    found: list[bytes | int] = []
    for chunk in chunks:
        if isinstance(chunk, Rejected):
            assert chunk.reason is Reason.TOO_LONG
            found.append(chunk.end_offset - chunk.start_offset)
        else:
            found.extend(chunk.content.splitlines(keepends=True))
    return found


@pytest.mark.parametrize("read", DIRECTIONS)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a\n"]),
        (b"\n", [b"\n"]),
        (b"\n\n\na", [b"\n", b"\n", b"\n", b"a"]),
        (b"ab\ncd\nef", [b"ab\n", b"cd\n", b"ef"]),
        (b"a\r\nb\r\n", [b"a\r\n", b"b\r\n"]),
        (b"\x00\n\xff\n", [b"\x00\n", b"\xff\n"]),
    ],
)
@pytest.mark.parametrize("cap", [2, 3, 5, MAX_LINE_BYTES])
def test_lines_come_whole(read: Chunks, content: bytes, expected: list[bytes], cap: int) -> None:
    """Cut behind newlines and nowhere else."""
    assert lines_of(chunks_of(content, read, cap)) == expected


@pytest.mark.parametrize("read", DIRECTIONS)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"xxxxx\n", [6]),
        (b"xxxxx", [5]),
        (b"xxxx\n", [b"xxxx\n"]),
        (b"xxxx", [b"xxxx"]),
        (b"a\nxxxxxxxxx\nb\n", [b"a\n", 10, b"b\n"]),
        (b"xxxxx\nyyyyyy\nb\nzzzzz", [6, 7, b"b\n", 5]),
        (b"\nxxxxxxxxxxxxxxxxxxxxxxxx\n\n", [b"\n", 25, b"\n"]),
    ],
)
def test_a_line_over_the_cap_is_refused_and_the_rest_is_read(
    read: Chunks, content: bytes, expected: list[bytes | int]
) -> None:
    """The newline does not count towards the cap of four bytes here."""
    assert lines_of(chunks_of(content, read, 4)) == expected


@pytest.mark.parametrize("read", DIRECTIONS)
def test_a_refusal_says_how_long_the_line_is(read: Chunks) -> None:
    """Its length and the cap."""
    (refused,) = chunks_of(b"x" * 100 + b"\n", read, 64)
    assert isinstance(refused, Rejected)
    assert refused.detail == "a line of 101 bytes, over the cap of 64"
    assert refused.is_damage


@pytest.mark.parametrize("read", DIRECTIONS)
def test_a_range_is_read_and_no_more(read: Chunks) -> None:
    """From a line start to an end that may lie inside a line."""
    with open_source(MemoryFileSystem({PATH: b"ab\ncd\nef\n"}), PATH) as source:
        found = sorted(read(source, 3, 7, 64), key=lambda chunk: chunk.start_offset)
    assert lines_of(found) == [b"cd\n", b"e"]


@pytest.mark.parametrize("read", DIRECTIONS)
def test_an_empty_range_reads_nothing(read: Chunks) -> None:
    """No bytes, no lines."""
    fs = MemoryFileSystem({PATH: b"ab\n"})
    with open_source(fs, PATH) as source:
        assert list(read(source, 3, 3, 64)) == []
    assert fs.reads == []


def test_reading_backward_touches_the_end_first() -> None:
    """The newest lines of a large log cost one block."""
    fs = MemoryFileSystem({PATH: Stretched(b"", b"\n", 64 * MIB, b"newest\n")})
    with open_source(fs, PATH) as source:
        newest = next(iter_chunks_backward(source, 0, source.size_bytes))
    assert isinstance(newest, Lines)
    assert newest.content.endswith(b"\nnewest\n")
    assert fs.bytes_read <= MIB


@pytest.mark.parametrize("read", DIRECTIONS)
@pytest.mark.parametrize(("cap", "bound"), [(64 << 10, MIB), (MAX_LINE_BYTES, MAX_LINE_BYTES + 4 * MIB)])
def test_a_line_of_100_mb_stays_within_the_cap(read: Chunks, cap: int, bound: int) -> None:
    """It is refused with its span, and never held whole: not in one read, not in pieces."""
    fs = MemoryFileSystem({PATH: Stretched(b"ab\n", b"x", 100 * MIB, b"\ncd\n")})
    with open_source(fs, PATH) as source:
        end = source.size_bytes
        tracemalloc.start()
        try:
            found = lines_of(sorted(read(source, 0, end, cap), key=lambda chunk: chunk.start_offset))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert found == [b"ab\n", 100 * MIB + 1, b"cd\n"]
    assert peak < bound
    assert fs.largest_read_bytes <= min(MIB, cap)


@pytest.mark.parametrize("read", DIRECTIONS)
def test_a_line_just_under_the_cap_is_read_whole(read: Chunks) -> None:
    """The cap itself is allowed."""
    cap = 2 * MIB
    content = Stretched(b"ab\n", b"x", cap, b"\ncd\n")
    assert [len(piece) for piece in lines_of(chunks_of(content, read, cap)) if isinstance(piece, bytes)] == [
        3,
        cap + 1,
        3,
    ]


@pytest.mark.parametrize("read", DIRECTIONS)
def test_a_line_is_held_twice_at_most(read: Chunks) -> None:
    """In pieces and joined; the pieces are gone before anybody decodes it."""
    cap = 16 * MIB
    fs = MemoryFileSystem({PATH: Stretched(b"ab\n", b"x", cap, b"\ncd\n")})
    with open_source(fs, PATH) as source:
        tracemalloc.start()
        try:
            for chunk in read(source, 0, source.size_bytes, cap):
                held, _ = tracemalloc.get_traced_memory()
                assert isinstance(chunk, Chunk | Lines)
                assert held < len(chunk.content) + 3 * MIB
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2 * cap + 3 * MIB
