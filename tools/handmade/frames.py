"""Zstd streams with nothing but stored blocks, made byte by byte.

A compressor's output may change with its release; these bytes never do, and every decoder reads them.
"""

_MAGIC = b"\x28\xb5\x2f\xfd"
_WINDOW = b"\x00\x58"  # no content size, no checksum; a window of 2 MiB
_SKIPPED_MAGIC = b"\x50\x2a\x4d\x18"


def stored_frame(*blocks: bytes) -> bytes:
    """Return a frame that unpacks to the blocks, each of at most 128 KiB."""
    parts = [_MAGIC, _WINDOW]
    for number, block in enumerate(blocks, start=1):
        assert len(block) <= 128 << 10, "a block holds 128 KiB"
        parts += [block_header(len(block), is_last=number == len(blocks)), block]
    return b"".join(parts)


def block_header(size: int, *, is_last: bool) -> bytes:
    """Return the three bytes before a stored block."""
    return (size << 3 | is_last).to_bytes(3, "little")


def skipped_frame(content: bytes) -> bytes:
    """Return a frame that every decoder passes over."""
    return _SKIPPED_MAGIC + len(content).to_bytes(4, "little") + content
