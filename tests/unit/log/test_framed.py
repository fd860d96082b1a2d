"""Sealed files: only the frames that are read are unpacked, and one that lies is damage."""

from __future__ import annotations

import tracemalloc

import pytest

from rollout.errors import DamagedLog
from rollout.format.record import Reason
from rollout.log.compressed import CompressedSource
from rollout.log.framed import FramedSource
from rollout.log.seekable import encode_table
from rollout.log.source import open_source
from rollout.testing.memory import MemoryFileSystem
from tests.unit.log.packed import MAGIC, PATH, RLE_BLOCK_BYTES, block, bomb, frame, opened, skippable
from tests.unit.made_lines import message

PARTS = [
    b"".join(message("user", f"part {part}, request {number}") for number in range(200)) for part in range(8)
]
CONTENT = b"".join(PARTS)
FRAMES = [frame(part) for part in PARTS]
MIB = 1 << 20


def sealed(frames: list[bytes], sizes: list[int] | None = None) -> bytes:
    """Return a file of these frames with a table that claims these decoded sizes."""
    claimed = sizes if sizes is not None else [len(part) for part in PARTS]
    packed_sizes = map(len, frames)
    return b"".join(frames) + encode_table(zip(packed_sizes, claimed, strict=True))


SEALED = sealed(FRAMES)


def altered(number: int, replacement: bytes) -> bytes:
    """Return a file in which one frame is another one."""
    return sealed([*FRAMES[:number], replacement, *FRAMES[number + 1 :]])


def assert_only_that_part_is_lost(packed: bytes, number: int, why: str) -> None:
    """Reading a frame says what is wrong with it; the others are read."""
    with opened(packed) as source:
        assert isinstance(source, FramedSource)
        start = sum(map(len, PARTS[:number]))
        with pytest.raises(DamagedLog, match=why):
            source.read_at(start, 1)
        for other, part in enumerate(PARTS):
            if other != number:
                assert source.read_at(sum(map(len, PARTS[:other])), len(part)) == part


def test_content_is_read_by_position() -> None:
    """Within a frame, over several, and up to the end."""
    with opened(SEALED) as source:
        assert source.size_bytes == len(CONTENT)
        for start, size in (
            (0, 10),
            (len(PARTS[0]) - 5, 10),
            (5, len(CONTENT)),
            (len(CONTENT) + 1, 5),
            (7, -1),
        ):
            assert source.read_at(start, size) == CONTENT[start : start + max(0, size)]
        assert source.defect is None


def test_only_the_frames_that_are_asked_for_are_read() -> None:
    """The end of a log costs its last frame, and its size nothing but the table."""
    fs = MemoryFileSystem({PATH: SEALED})
    with open_source(fs, PATH) as source:
        assert source.size_bytes == len(CONTENT)
        assert source.reaches(len(CONTENT))
        table_bytes = source.bytes_read
        source.read_at(len(CONTENT) - 100, 100)
        assert source.bytes_read == table_bytes + len(FRAMES[-1]) == fs.bytes_read


def test_a_frame_is_read_once() -> None:
    """Whoever reads lines asks for block after block."""
    with opened(SEALED) as source:
        for at in range(0, len(PARTS[0]), 1000):
            source.read_at(at, 500)
        before = source.bytes_read
        source.read_at(0, len(PARTS[0]))
        assert source.bytes_read == before


def test_frames_that_are_held_take_little_memory() -> None:
    """However many are read."""
    part = bytes(MIB)
    packed = sealed([frame(part)] * 64, [MIB] * 64)
    with opened(packed) as source:
        tracemalloc.start()
        try:
            for number in range(64):
                source.read_at(number * MIB, 10)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 16 * MIB


@pytest.mark.parametrize("frame_bytes", [9 * MIB, 40 * MIB])
def test_a_large_frame_is_unpacked_as_far_as_asked(frame_bytes: int) -> None:
    """Into scratch space, block by block."""
    packed = sealed([frame(bytes(frame_bytes)), FRAMES[0]], [frame_bytes, len(PARTS[0])])
    fs = MemoryFileSystem({PATH: packed})
    with open_source(fs, PATH) as source:
        assert source.read_at(1 << 20, 100) == bytes(100)
        assert source.read_at(frame_bytes - 10, 30) == bytes(10) + PARTS[0][:20]
        assert fs.largest_spooled_bytes <= RLE_BLOCK_BYTES


def test_many_large_frames_are_open_a_few_at_a_time() -> None:
    """Scratch space is given back."""
    size = 9 * MIB
    fs = MemoryFileSystem({PATH: sealed([frame(bytes(size))] * 8, [size] * 8)})
    with open_source(fs, PATH) as source:
        for number in (0, 1, 2, 3, 4, 5, 6, 7, 0):
            assert source.read_at(number * size, 3) == bytes(3)
        assert fs.open_count == 3
    assert fs.open_count == 0


def test_a_wrong_checksum_is_damage() -> None:
    """In that frame alone."""
    broken = bytearray(FRAMES[3])
    broken[-1] ^= 1
    assert_only_that_part_is_lost(altered(3, bytes(broken)), 3, "checksum")


def test_a_wrong_checksum_of_a_large_frame_is_damage() -> None:
    """Noticed when its end is read."""
    broken = bytearray(frame(bytes(9 * MIB)))
    broken[-1] ^= 1
    source = opened(sealed([bytes(broken)], [9 * MIB]))
    with source, pytest.raises(DamagedLog, match="checksum"):
        source.read_at(9 * MIB - 1, 1)


def test_a_truncated_frame_is_damage() -> None:
    """The table was made for what is left of it."""
    assert_only_that_part_is_lost(altered(3, FRAMES[3][:-10]), 3, "frame at bytes")


def test_a_frame_of_another_size_is_damage() -> None:
    """Whether it says so itself or not."""
    assert_only_that_part_is_lost(altered(3, frame(b"other")), 3, "states 5 bytes")
    assert_only_that_part_is_lost(altered(3, frame(b"other", names_size=False)), 3, "holds 5 bytes")
    longer = frame(PARTS[3] + b"more", names_size=False)
    assert_only_that_part_is_lost(altered(3, longer), 3, "frame at bytes")


def test_two_frames_under_one_entry_are_damage() -> None:
    """Nobody could say which of the bytes were meant."""
    assert_only_that_part_is_lost(altered(3, FRAMES[3] + frame(b"hidden")), 3, "frame at bytes")


def test_bytes_that_are_no_frame_are_damage() -> None:
    """The table has found them."""
    assert_only_that_part_is_lost(altered(3, b"garbage" * 10), 3, "frame at bytes")


@pytest.mark.parametrize("claimed_bytes", [1 << 20, 8 << 20, 9 << 20, (1 << 32) - 1])
def test_a_table_that_claims_more_than_a_frame_holds_is_damage(claimed_bytes: int) -> None:
    """It costs no more than the frame."""
    packed = sealed([FRAMES[0]], [claimed_bytes])
    with opened(packed) as source:
        assert source.size_bytes == claimed_bytes
        tracemalloc.start()
        try:
            with pytest.raises(DamagedLog, match="frame at bytes"):
                source.read_at(claimed_bytes - 100, 100)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 12 * MIB


def test_a_frame_that_claims_a_terabyte_is_not_unpacked() -> None:
    """Nothing is allocated for it."""
    header = MAGIC + b"\xe0" + (1 << 40).to_bytes(8, "little")
    claims = header + block(0, 3, b"abc", is_last=True)
    assert_only_that_part_is_lost(altered(3, claims), 3, "states 1099511627776 bytes")
    source = opened(sealed([claims], [(1 << 32) - 1]))
    with source, pytest.raises(DamagedLog, match="too much memory"):
        source.read_at(0, 10)


def test_a_bomb_costs_what_the_table_admits() -> None:
    """It unpacks to 30 times what is claimed for it, and is left after the first block too many."""
    packed = sealed([bomb(2400)], [10 * MIB])
    fs = MemoryFileSystem({PATH: packed})
    with open_source(fs, PATH) as source:
        assert source.read_at(0, 10) == b"x" * 10
        with pytest.raises(DamagedLog, match="it holds more"):
            source.read_at(10 * MIB - 10, 10)
    assert fs.largest_spooled_bytes == RLE_BLOCK_BYTES


def test_a_bad_table_is_not_used() -> None:
    """The file is a zstd stream all the same."""
    packed = bytearray(SEALED)
    packed[len(b"".join(FRAMES)) + 8] ^= 1  # the packed size of the first frame
    with opened(bytes(packed)) as source:
        assert isinstance(source, CompressedSource)
        assert source.read_at(0, source.size_bytes) == CONTENT
        assert source.defect is None


def test_a_table_with_anything_behind_it_is_not_used() -> None:
    """The file was added to since."""
    with opened(SEALED + skippable(b"abc")) as source:
        assert isinstance(source, CompressedSource)
        assert source.read_at(0, source.size_bytes) == CONTENT


def test_whoever_reads_everything_finds_out_a_table_that_lies() -> None:
    """Each of its sums is right, and a frame is not where it says."""
    sizes = [len(part) for part in PARTS]
    sizes[2], sizes[3] = sizes[2] + 7, sizes[3] - 7
    fs = MemoryFileSystem({PATH: sealed(FRAMES, sizes)})
    with open_source(fs, PATH, reads_all=True) as source:
        assert source.size_bytes == sum(map(len, PARTS[:3]))
        assert source.defect is not None
        assert source.defect.reason is Reason.BAD_COMPRESSION
        assert "seek table does not tell" in source.defect.detail


def test_whoever_reads_everything_finds_out_a_table_that_claims_more() -> None:
    """The last frame has no successor that would begin elsewhere."""
    sizes = [*(len(part) for part in PARTS[:-1]), len(PARTS[-1]) + 1]
    fs = MemoryFileSystem({PATH: sealed(FRAMES, sizes)})
    with open_source(fs, PATH, reads_all=True) as source:
        assert source.size_bytes == len(CONTENT)
        assert source.defect is not None
        assert "claims another size" in source.defect.detail


def test_closing_twice_is_closing() -> None:
    """Idempotent."""
    fs = MemoryFileSystem({PATH: SEALED})
    with open_source(fs, PATH) as source:
        source.close()
    assert fs.open_count == 0
