"""The seek table of a zstd file: where each frame lies, so that one can be unpacked without the others.

A trailing skippable frame that every decoder passes over. Bytes in, values out; whoever reads the
frames finds out whether the table told the truth. Format: docs/format.md, "Compressed files".
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Final

from msgspec import Struct

FOOTER_BYTES: Final = 9
_HEADER: Final = struct.Struct("<II")
_FOOTER: Final = struct.Struct("<IBI")
_ENTRY: Final = struct.Struct("<II")
_ENTRY_WITH_CHECKSUM: Final = struct.Struct("<III")
_SKIPPED_MAGIC: Final = 0x184D2A5E
_TABLE_MAGIC: Final = 0x8F92EAB1
_HAS_CHECKSUMS: Final = 0x80
_RESERVED: Final = 0x7C
MAX_FRAMES: Final = 1 << 18
"""A longer table is not used: it would cost more memory than it saves. Ours tell of 128 GiB with as many."""


class SeekTable(Struct, frozen=True):
    """Where frames lie, as stored and decoded: `packed_starts[n]` to `[n + 1]` is frame n."""

    packed_starts: list[int]
    decoded_starts: list[int]

    @property
    def frame_count(self) -> int:
        """How many frames there are, those that hold nothing among them."""
        return len(self.packed_starts) - 1

    @property
    def decoded_bytes(self) -> int:
        """How many bytes the file holds, decoded."""
        return self.decoded_starts[-1]

    def find_frame(self, offset: int) -> int:
        """Return the frame that holds the decoded byte at `offset`, which is before the end."""
        return bisect_right(self.decoded_starts, offset) - 1


def encode_table(frames: Iterable[tuple[int, int]]) -> bytes:
    """Return the skippable frame that lists frames by their packed and decoded size."""
    entries = [_ENTRY.pack(packed_bytes, decoded_bytes) for packed_bytes, decoded_bytes in frames]
    content_bytes = len(entries) * _ENTRY.size + FOOTER_BYTES
    header = _HEADER.pack(_SKIPPED_MAGIC, content_bytes)
    return b"".join((header, *entries, _FOOTER.pack(len(entries), 0, _TABLE_MAGIC)))


def table_size_bytes(footer: bytes) -> int | None:
    """Return how long the table is that ends with these bytes; None when no table ends there."""
    if len(footer) < FOOTER_BYTES:
        return None
    count, flags, magic = _FOOTER.unpack_from(footer, len(footer) - FOOTER_BYTES)
    if magic != _TABLE_MAGIC or flags & _RESERVED or not 0 < count <= MAX_FRAMES:
        return None
    entry_bytes = _ENTRY_WITH_CHECKSUM.size if flags & _HAS_CHECKSUMS else _ENTRY.size
    return _HEADER.size + int(count) * entry_bytes + FOOTER_BYTES


def parse_table(stored: bytes, file_bytes: int) -> SeekTable | None:
    """Return the table in the last bytes of a file; None when it contradicts itself or the file's size.

    `stored` is exactly as long as `table_size_bytes` says. Checksums in it are passed over: frames
    carry their own.
    """
    if table_size_bytes(stored) != len(stored) or len(stored) > file_bytes:
        return None
    magic, content_bytes = _HEADER.unpack_from(stored)
    if magic != _SKIPPED_MAGIC or content_bytes != len(stored) - _HEADER.size:
        return None
    has_checksums = stored[-5] & _HAS_CHECKSUMS
    layout = _ENTRY_WITH_CHECKSUM if has_checksums else _ENTRY
    entries = list(layout.iter_unpack(stored[_HEADER.size : -FOOTER_BYTES]))
    packed_starts = list(accumulate((entry[0] for entry in entries), initial=0))
    if packed_starts[-1] != file_bytes - len(stored):
        return None
    return SeekTable(packed_starts, list(accumulate((entry[1] for entry in entries), initial=0)))
