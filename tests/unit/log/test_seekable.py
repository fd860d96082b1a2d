"""The seek table: what we write any tool reads, and one that does not add up is no table."""

from __future__ import annotations

import pytest

from rollout.log.seekable import FOOTER_BYTES, MAX_FRAMES, encode_table, parse_table, table_size_bytes

TABLE = encode_table([(10, 100), (0, 0), (20, 5)])
FILE_BYTES = 30 + len(TABLE)


def test_the_bytes_are_those_of_the_seekable_format() -> None:
    """A skippable frame of the kind set apart for it; sizes, count, flags and magic, little-endian."""
    assert encode_table([(3, 7)]) == bytes.fromhex("5e2a4d18 11000000 03000000 07000000 01000000 00 b1ea928f")


def test_a_table_tells_where_frames_are() -> None:
    """Each begins where the one before ends, as stored and decoded."""
    table = parse_table(TABLE, FILE_BYTES)
    assert table is not None
    assert table.packed_starts == [0, 10, 10, 30]
    assert table.decoded_starts == [0, 100, 100, 105]
    assert (table.frame_count, table.decoded_bytes) == (3, 105)


@pytest.mark.parametrize(("offset", "number"), [(0, 0), (99, 0), (100, 2), (104, 2)])
def test_a_byte_is_found_in_its_frame(offset: int, number: int) -> None:
    """A frame that holds nothing holds no byte."""
    table = parse_table(TABLE, FILE_BYTES)
    assert table is not None
    assert table.find_frame(offset) == number


def test_checksums_in_a_table_are_passed_over() -> None:
    """Other writers put them there."""
    stored = bytes.fromhex("5e2a4d18 15000000 03000000 07000000 ffffffff 01000000 80 b1ea928f")
    table = parse_table(stored, 3 + len(stored))
    assert table is not None
    assert table.decoded_starts == [0, 7]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(0, 0x5D, id="a frame of another kind"),
        pytest.param(4, 0, id="another length"),
        pytest.param(8, 11, id="more packed bytes than the file has"),
        pytest.param(-1, 0, id="another magic"),
        pytest.param(-5, 4, id="a reserved bit"),
        pytest.param(-5, 0x80, id="checksums that are not there"),
        pytest.param(-9, 2, id="another count"),
    ],
)
def test_a_table_that_does_not_add_up_is_none(place: int, value: int) -> None:
    """Whichever of its numbers is wrong."""
    stored = bytearray(TABLE)
    stored[place] = value
    assert parse_table(bytes(stored), FILE_BYTES) is None


def test_a_table_of_another_file_is_none() -> None:
    """Its frames fill the file before it."""
    assert parse_table(TABLE, FILE_BYTES + 1) is None
    assert parse_table(TABLE, len(TABLE) - 1) is None


@pytest.mark.parametrize("count", [0, MAX_FRAMES + 1, 2**32 - 1])
def test_a_count_beyond_all_measure_is_no_table(count: int) -> None:
    """Nothing is allocated for it."""
    assert table_size_bytes(count.to_bytes(4, "little") + TABLE[-5:]) is None


@pytest.mark.parametrize("length", range(FOOTER_BYTES))
def test_a_file_too_short_for_a_footer_has_no_table(length: int) -> None:
    """Any number of bytes may be a file."""
    assert table_size_bytes(TABLE[len(TABLE) - length :]) is None
