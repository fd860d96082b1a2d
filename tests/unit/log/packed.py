"""Zstd files made for a test, frame by frame."""

from __future__ import annotations

import zstandard

from rollout.log.source import Source, open_source
from rollout.testing.memory import MemoryFileSystem

PATH = "/home/log.jsonl.zst"
MAGIC = b"\x28\xb5\x2f\xfd"
RLE_BLOCK_BYTES = 128 << 10


def frame(content: bytes, *, has_checksum: bool = True, names_size: bool = True, level: int = 3) -> bytes:
    """Return one frame as the library writes it."""
    compressor = zstandard.ZstdCompressor(
        level=level, write_checksum=has_checksum, write_content_size=names_size
    )
    return compressor.compress(content)


def streamed(content: bytes, piece_bytes: int) -> bytes:
    """Return one frame of unknown size, its blocks ended after every piece."""
    packer = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    packed = []
    for start in range(0, len(content), piece_bytes):
        packed.append(packer.compress(content[start : start + piece_bytes]))
        packed.append(packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    return b"".join(packed) + packer.flush()


def skippable(content: bytes, kind: int = 0) -> bytes:
    """Return a frame that a reader passes over, of one of sixteen kinds."""
    return bytes([0x50 + kind]) + b"\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


def block(kind: int, size_bytes: int, content: bytes, *, is_last: bool) -> bytes:
    """Return one block: kind 0 is stored, 1 one byte repeated, 2 compressed, 3 reserved."""
    return (size_bytes << 3 | kind << 1 | is_last).to_bytes(3, "little") + content


def bomb(blocks: int) -> bytes:
    """Return a frame of a few bytes a block, each of which unpacks to 128 KiB."""
    header = MAGIC + b"\x00" + bytes([(17 - 10) << 3])  # a window of 128 KiB
    repeated = block(1, RLE_BLOCK_BYTES, b"x", is_last=False)
    return header + repeated * (blocks - 1) + block(1, RLE_BLOCK_BYTES, b"\n", is_last=True)


def opened(packed: bytes) -> Source:
    """Open a file with these packed bytes."""
    return open_source(MemoryFileSystem({PATH: packed}), PATH)


def unpacked(packed: bytes) -> bytes:
    """Return all decoded bytes of a file without a defect."""
    with opened(packed) as source:
        content = source.read_at(0, source.size_bytes)
        assert source.defect is None
        return content


def defect_of(packed: bytes) -> tuple[bytes, str]:
    """Return what could be decoded of a file with a defect, and what the defect says."""
    with opened(packed) as source:
        content = source.read_at(0, source.size_bytes)
        defect = source.defect
    assert defect is not None
    assert defect.start_offset == defect.end_offset == len(content)
    return content, defect.detail
