"""Packing: frames end where lines do, and repeated images cost nothing."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
from base64 import b64encode
from itertools import pairwise

import pytest
import zstandard
from blake3 import blake3

from rollout.log.framed import FramedSource
from rollout.log.packing import Packing, iter_packed, plan_packing
from rollout.log.source import open_source
from rollout.testing.memory import MemoryFileSystem, Stretched
from tests.unit.log.packed import PATH
from tests.unit.made_lines import message

PLAIN = "/home/log.jsonl"
MIB = 1 << 20
NOISE = random.Random(7)
IMAGE = b64encode(NOISE.randbytes(300_000)).decode()


def said(size: int) -> bytes:
    """Return lines that differ, of at least so many bytes."""
    lines, total = [], 0
    while total < size:
        lines.append(message("user", f"{total} {NOISE.randbytes(100).hex()}"))
        total += len(lines[-1])
    return b"".join(lines)


def repeating(times: int) -> bytes:
    """Return a log that repeats one image at every compaction."""
    lines = []
    for number in range(times):
        lines += [message("user", f"request {number} {place}") for place in range(20)]
        lines.append(
            json.dumps({"n": number, "image_url": f"data:image/png;base64,{IMAGE}"}).encode() + b"\n"
        )
    return b"".join(lines)


def packed(content: bytes, level: int = 3) -> tuple[Packing, bytes]:
    """Return how content is packed, and the sealed file."""
    with open_source(MemoryFileSystem({PLAIN: content}), PLAIN) as source:
        packing = plan_packing(source)
        return packing, b"".join(iter_packed(source, packing, level))


def unpacked(stored: bytes) -> bytes:
    """Return what a decoder makes of it that knows of no table."""
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(stored), read_across_frames=True).read()


LOGS = {
    "nothing": b"",
    "a line": message("user", "hello"),
    "a torn tail": said(100_000) + b'{"torn',
    "no newline at all": b"x" * 700_000,
    "many lines": said(3 * MIB),
    "a long line": said(100_000) + b'"' + bytes(2 * MIB) + b'"\n' + said(100_000),
    "a repeated image": repeating(30),
    "blank lines": b"\n" * 2 * MIB,
}


@pytest.mark.parametrize("log", LOGS)
def test_any_decoder_reads_a_sealed_log(log: str) -> None:
    """It needs no table."""
    packing, stored = packed(LOGS[log])
    assert unpacked(stored) == LOGS[log]
    assert packing.digest == blake3(LOGS[log]).digest()
    assert packing.size_bytes == len(LOGS[log])


@pytest.mark.parametrize("log", LOGS)
def test_a_sealed_log_is_read_by_its_frames(log: str) -> None:
    """The table is ours, and right."""
    _, stored = packed(LOGS[log])
    with open_source(MemoryFileSystem({PATH: stored}), PATH) as source:
        assert isinstance(source, FramedSource)
        assert source.read_at(0, source.size_bytes) == LOGS[log]


@pytest.mark.parametrize("log", LOGS)
def test_a_table_that_we_wrote_is_found_right(log: str) -> None:
    """By whoever reads everything."""
    _, stored = packed(LOGS[log])
    with open_source(MemoryFileSystem({PATH: stored}), PATH, reads_all=True) as source:
        assert source.read_at(0, source.size_bytes) == LOGS[log]
        assert source.defect is None


def test_frames_end_where_lines_do() -> None:
    """And are of half a megabyte or a little more; the first is short, for it holds the header."""
    content = LOGS["many lines"]
    frames = packed(content)[0].frames
    assert [frame.start_offset for frame in frames] == [0, *(frame.end_offset for frame in frames[:-1])]
    assert all(content[frame.end_offset - 1 : frame.end_offset] == b"\n" for frame in frames)
    sizes = [frame.end_offset - frame.start_offset for frame in frames]
    assert 32 << 10 <= sizes[0] < 33 << 10
    assert all(512 << 10 <= size <= 640 << 10 for size in sizes[1:-1])


def test_every_frame_states_its_size_and_a_checksum() -> None:
    """Whichever way it was packed."""
    for log in ("many lines", "a repeated image"):
        packing, stored = packed(LOGS[log])
        at = 0
        for frame in packing.frames:
            found = zstandard.get_frame_parameters(stored[at:])
            assert found.content_size == frame.end_offset - frame.start_offset
            assert found.has_checksum
            at = stored.find(b"\x28\xb5\x2f\xfd", at + 4)


def test_an_image_that_every_checkpoint_repeats_is_stored_once_a_frame() -> None:
    """Fifty times smaller, and the end of the log lies in a small frame all the same."""
    content = repeating(130)
    packing, stored = packed(content)
    assert packing.is_long
    assert len(content) / len(stored) > 50
    last = packing.frames[-1]
    assert last.end_offset - last.start_offset < 6 * MIB


def test_frames_of_a_log_that_repeats_itself_grow_from_its_end() -> None:
    """What is read most lies there; the header has a frame of its own, and behind it is what is left over."""
    frames = packed(repeating(130))[0].frames
    sizes = [frame.end_offset - frame.start_offset for frame in frames]
    assert sizes[0] < 64 << 10
    assert all(before > after for before, after in pairwise(sizes[2:]))


def test_a_log_with_one_image_among_much_else_is_packed_in_small_frames() -> None:
    """Nothing repeats."""
    lines = said(2 * MIB) + json.dumps({"image_url": IMAGE}).encode() + b"\n"
    assert not packed(lines)[0].is_long


def test_a_line_without_an_end_takes_no_more_memory_than_a_frame() -> None:
    """It is cut where it is."""
    with open_source(MemoryFileSystem({PLAIN: Stretched(b"", b"x", 200 * MIB, b"\n")}), PLAIN) as source:
        tracemalloc.start()
        try:
            packing = plan_packing(source)
            stored = b"".join(iter_packed(source, packing))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(packing.frames) == 4
    assert len(stored) < MIB
    assert peak < 16 * MIB


def test_a_higher_level_packs_tighter() -> None:
    """The level is the caller's."""
    words = [NOISE.randbytes(3).hex() for _ in range(500)]
    content = b"".join(message("user", " ".join(NOISE.choices(words, k=30))) for _ in range(3000))
    assert len(packed(content, 9)[1]) < len(packed(content, 1)[1])
