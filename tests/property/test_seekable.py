"""Sealed files hold for all bytes: any cut reads back, and no table makes a reader give other bytes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rollout.errors import DamagedLog
from rollout.log.framed import FramedSource
from rollout.log.seekable import FOOTER_BYTES, encode_table, parse_table, table_size_bytes
from rollout.log.source import open_source
from rollout.testing.memory import MemoryFileSystem
from tests.unit.log.packed import PATH, frame, opened

SIZES = st.integers(0, 2**32 - 1)


@given(frames=st.lists(st.tuples(SIZES, SIZES), min_size=1, max_size=40))
def test_a_table_is_parsed_as_it_was_written(frames: list[tuple[int, int]]) -> None:
    """Whatever the sizes."""
    stored = encode_table(frames)
    assert table_size_bytes(stored[-FOOTER_BYTES:]) == len(stored)
    table = parse_table(stored, sum(packed for packed, _ in frames) + len(stored))
    assert table is not None
    assert [end - start for start, end in pairwise(table.packed_starts)] == [packed for packed, _ in frames]
    assert [end - start for start, end in pairwise(table.decoded_starts)] == [size for _, size in frames]


@given(stored=st.binary(max_size=80), file_bytes=st.integers(0, 2**40), ends_like_one=st.booleans())
def test_any_bytes_may_be_a_table(stored: bytes, file_bytes: int, ends_like_one: bool) -> None:
    """They are one that adds up, or none; nothing raises."""
    if ends_like_one:
        stored += (len(stored) // 8).to_bytes(4, "little") + bytes.fromhex("00b1ea928f")
    size = table_size_bytes(stored[-FOOTER_BYTES:])
    table = parse_table(stored, file_bytes)
    if table is not None:
        assert size == len(stored)
        assert table.packed_starts[-1] + len(stored) == file_bytes
        assert table.packed_starts == sorted(table.packed_starts)


@given(content=st.binary(max_size=400), data=st.data())
def test_wherever_frames_end_the_content_is_the_same(content: bytes, data: st.DataObject) -> None:
    """Read by position, in any order."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5)))
    parts = [content[start:end] for start, end in pairwise([0, *cuts, len(content)])]
    frames = [frame(part) for part in parts]
    packed = b"".join(frames) + encode_table(
        (len(one), len(part)) for one, part in zip(frames, parts, strict=True)
    )
    spans = data.draw(st.lists(st.tuples(st.integers(0, 450), st.integers(0, 450)), max_size=6))
    with opened(packed) as source:
        assert isinstance(source, FramedSource)
        assert source.size_bytes == len(content)
        for start, size in spans:
            assert source.read_at(start, size) == content[start : start + size]


@given(first=st.binary(max_size=60), second=st.binary(min_size=1, max_size=60), data=st.data())
def test_a_sealed_file_altered_anywhere_gives_no_other_bytes(
    first: bytes, second: bytes, data: st.DataObject
) -> None:
    """What is read is what was stored, or damage; with the table spoilt it reads as a stream."""
    frames = [frame(first), frame(second)]
    packed = bytearray(
        b"".join(frames) + encode_table([(len(frames[0]), len(first)), (len(frames[1]), len(second))])
    )
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    content = first + second
    fs = MemoryFileSystem({PATH: bytes(packed)})
    for reads_all in (False, True):
        with open_source(fs, PATH, reads_all=reads_all) as source:
            try:
                found = source.read_at(0, len(content) + 10)
            except DamagedLog:
                continue
            if source.defect is None and source.size_bytes == len(content):
                # A flipped flag may have taken the checksum away; then nobody can tell.
                assert found == content or place < sum(map(len, frames))
