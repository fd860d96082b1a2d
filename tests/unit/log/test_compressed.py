"""Compressed logs: any whole zstd stream is read; where one is not whole, that is said."""

from __future__ import annotations

import tracemalloc

import pytest

from rollout.format.record import Reason
from rollout.log.compressed import MAX_WINDOW_BYTES
from rollout.log.seekable import FOOTER_BYTES
from rollout.log.source import open_source
from rollout.testing.memory import MemoryFileSystem
from tests.unit.log.packed import (
    MAGIC,
    PATH,
    RLE_BLOCK_BYTES,
    block,
    bomb,
    defect_of,
    frame,
    opened,
    skippable,
    streamed,
    unpacked,
)
from tests.unit.made_lines import message

CONTENT = b"".join(message("user", f"request number {number}") for number in range(3000))
HALF = CONTENT.index(b"\n", len(CONTENT) // 2) + 1
NOISE = b"".join((number * 2654435761 % 2**32).to_bytes(4, "big") for number in range(200_000))
MIB = 1 << 20


@pytest.mark.parametrize("has_checksum", [True, False])
@pytest.mark.parametrize("names_size", [True, False])
@pytest.mark.parametrize("content", [b"", b"x", CONTENT[:200], CONTENT, bytes(300_000)])
def test_a_frame_is_unpacked(content: bytes, names_size: bool, has_checksum: bool) -> None:
    """With or without checksum and size."""
    assert unpacked(frame(content, has_checksum=has_checksum, names_size=names_size)) == content


@pytest.mark.parametrize("piece_bytes", [100, 5_000, 1 << 20])
def test_a_streamed_frame_is_unpacked(piece_bytes: int) -> None:
    """Blocks may be of any size."""
    assert unpacked(streamed(CONTENT, piece_bytes)) == CONTENT


def test_incompressible_content_is_unpacked() -> None:
    """Stored blocks are larger than a read."""
    assert unpacked(frame(NOISE)) == NOISE


def test_several_frames_are_one_stream() -> None:
    """Appended frames continue the log."""
    assert unpacked(frame(CONTENT[:HALF]) + frame(b"") + frame(CONTENT[HALF:])) == CONTENT


@pytest.mark.parametrize("kind", [0, 7, 15])
def test_skippable_frames_are_passed_over(kind: int) -> None:
    """A seek table, or anything else that somebody put there."""
    skipped = skippable(b"\x28\xb5\x2f\xfd" * 100_000, kind)
    packed = skippable(b"") + frame(CONTENT[:HALF]) + skipped + frame(CONTENT[HALF:]) + skipped
    assert unpacked(packed) == CONTENT


def test_only_skippable_frames_hold_nothing() -> None:
    """A stream of no content is whole."""
    assert unpacked(skippable(b"abc")) == b""


def test_an_empty_file_is_a_defect() -> None:
    """No frame is not an empty frame: somebody meant to compress a log."""
    assert defect_of(b"") == (
        b"",
        "the compressed stream breaks off after 0 decoded bytes: the file is empty",
    )


def test_a_defect_is_damage() -> None:
    """It has a reason of its own."""
    with opened(b"junk") as source:
        assert source.size_bytes == 0
        assert source.defect is not None
        assert source.defect.reason is Reason.BAD_COMPRESSION
        assert source.defect.is_damage


def test_every_truncation_is_noticed() -> None:
    """Wherever the file is cut; and what is kept is the beginning of the content."""
    packed = frame(CONTENT[:2000]) + frame(CONTENT[2000:4000])
    first = len(frame(CONTENT[:2000]))
    for cut in range(1, len(packed)):
        if cut != first:
            kept, detail = defect_of(packed[:cut])
            assert CONTENT.startswith(kept)
            assert len(kept) in ({0, 2000} if cut < first else {2000, 4000})
            assert "ends inside a frame" in detail or "no frame begins" in detail


def test_a_cut_at_the_end_of_a_frame_cannot_be_noticed() -> None:
    """What is left is a whole stream."""
    assert unpacked(frame(CONTENT[:HALF])) == CONTENT[:HALF]


def test_blocks_before_a_cut_are_kept() -> None:
    """A large frame loses only what lies behind the cut."""
    packed = frame(NOISE)
    kept, _ = defect_of(packed[: len(packed) // 2])
    assert NOISE.startswith(kept)
    assert len(kept) > len(NOISE) // 4


def test_a_wrong_checksum_is_noticed() -> None:
    """The content is kept: nobody can say which byte is wrong."""
    packed = bytearray(frame(CONTENT))
    packed[-1] ^= 1
    kept, detail = defect_of(bytes(packed))
    assert kept == CONTENT
    assert "checksum" in detail


def test_a_cut_off_checksum_costs_no_content() -> None:
    """The last block was whole."""
    kept, detail = defect_of(frame(CONTENT)[:-1])
    assert kept == CONTENT
    assert "ends inside a frame" in detail


def test_corruption_never_raises_and_never_alters_what_came_before() -> None:
    """Any byte of a frame may be any other."""
    good = frame(CONTENT[:3000])
    packed = frame(CONTENT[3000:3500])
    for place in range(len(packed)):
        with opened(good + packed[:place] + bytes([packed[place] ^ 0x55]) + packed[place + 1 :]) as source:
            assert source.read_at(0, source.size_bytes)[:3000] == CONTENT[:3000]
            assert source.defect is not None


@pytest.mark.parametrize("garbage", [b"\x00", b"garbage", b"\x00" * 4096, MAGIC[:3], CONTENT[:100]])
def test_garbage_behind_the_last_frame_is_noticed(garbage: bytes) -> None:
    """The content before it is kept."""
    kept, detail = defect_of(frame(CONTENT) + garbage)
    assert kept == CONTENT
    assert f"no frame begins at byte {len(frame(CONTENT))}" in detail


@pytest.mark.parametrize("claimed_bytes", [10, 1 << 31])
def test_a_skippable_frame_that_is_cut_off_is_noticed(claimed_bytes: int) -> None:
    """It claims more than there is."""
    skipped = b"\x50\x2a\x4d\x18" + claimed_bytes.to_bytes(4, "little") + b"abc"
    kept, detail = defect_of(frame(CONTENT) + skipped)
    assert kept == CONTENT
    assert "ends inside a frame" in detail


def test_a_block_of_no_known_kind_is_noticed() -> None:
    """The format reserves one kind."""
    _, detail = defect_of(MAGIC + b"\x00\x38" + block(3, 5, b"abcde", is_last=True))
    assert "of no known kind" in detail


def test_a_plain_log_under_a_compressed_name_is_noticed() -> None:
    """It is no zstd stream at all."""
    assert defect_of(CONTENT)[0] == b""


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(MAGIC + b"\xe0" + (1 << 40).to_bytes(8, "little"), id="content-of-1-TB"),
        pytest.param(MAGIC + b"\x00" + bytes([(40 - 10) << 3]), id="window-of-1-TB"),
        pytest.param(MAGIC + b"\x00" + bytes([(28 - 10) << 3]), id="window-of-256-MiB"),
    ],
)
def test_a_frame_that_claims_too_much_memory_is_not_unpacked(header: bytes) -> None:
    """It is refused before anything is allocated for it."""
    kept, detail = defect_of(frame(CONTENT) + header + block(0, 3, b"abc", is_last=True))
    assert kept == CONTENT
    assert "too much memory" in detail


def test_the_largest_window_that_zstd_writes_unasked_is_read() -> None:
    """The bound is the one that every decoder has by default."""
    assert MAX_WINDOW_BYTES == 1 << 27
    header = MAGIC + b"\x00" + bytes([(27 - 10) << 3])
    assert unpacked(header + block(0, 3, b"abc", is_last=True)) == b"abc"


def test_a_bomb_is_unpacked_a_block_at_a_time() -> None:
    """256 MiB out of 8 KiB: no piece is larger than a block, and no more is unpacked than asked for."""
    fs = MemoryFileSystem({PATH: bomb(2048)})
    with open_source(fs, PATH) as source:
        tracemalloc.start()
        try:
            assert source.read_at(0, 100) == b"x" * 100
            assert source.reaches(10 * RLE_BLOCK_BYTES)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert fs.largest_spooled_bytes == RLE_BLOCK_BYTES
    assert peak < 4 * MIB


def test_content_is_read_by_position() -> None:
    """Backward as well; offsets count decoded bytes."""
    with opened(frame(CONTENT)) as source:
        assert source.read_at(50_000, 100) == CONTENT[50_000:50_100]
        assert source.read_at(10, 5) == CONTENT[10:15]
        assert source.read_at(len(CONTENT) - 3, 100) == CONTENT[-3:]
        assert source.read_at(len(CONTENT) + 5, 10) == b""
        assert source.read_at(5, -1) == b""


def test_no_more_is_unpacked_than_asked_for() -> None:
    """A header costs the first blocks of a large file."""
    packed = b"".join(frame(CONTENT) for _ in range(300))
    fs = MemoryFileSystem({PATH: packed})
    with open_source(fs, PATH) as source:
        source.read_at(0, 32 << 10)
        assert source.bytes_read == fs.bytes_read
        assert fs.bytes_read < 64 << 10 < len(packed)
        assert source.defect is None


def test_the_packed_bytes_are_read_once() -> None:
    """Whatever the blocks are like; the end has been looked at, for there might be a seek table."""
    packed = frame(NOISE) + skippable(b"abc" * 100) + frame(CONTENT)
    fs = MemoryFileSystem({PATH: packed})
    with open_source(fs, PATH) as source:
        assert source.size_bytes == len(NOISE) + len(CONTENT)
    assert fs.bytes_read == len(packed) + FOOTER_BYTES


def test_reaching_unpacks_no_further() -> None:
    """And tells when the end came first."""
    with opened(frame(CONTENT)) as source:
        assert source.reaches(len(CONTENT))
        assert not source.reaches(len(CONTENT) + 1)


def test_closing_gives_file_and_scratch_space_back() -> None:
    """Idempotent."""
    fs = MemoryFileSystem({PATH: frame(CONTENT)})
    with open_source(fs, PATH) as source:
        assert fs.open_count == 2
        source.close()
    assert fs.open_count == 0
