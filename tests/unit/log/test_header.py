"""The header of a rollout: found wherever it stands, in every era, or reported missing."""

from __future__ import annotations

import re

import pytest

from rollout.errors import DamagedLog
from rollout.format.record import Era, Mode
from rollout.log.header import Header, read_header
from rollout.log.source import open_source
from rollout.testing.memory import MemoryFileSystem, Stretched
from tests.unit.made_lines import OTHER, THREAD, TIME, compact, event, header, line, message

PATH = "/home/sessions/log.jsonl"
BARE_HEADER = compact({"id": THREAD, "timestamp": TIME, "instructions": "x", "git": {"branch": "b"}}) + b"\n"
FLAT_HEADER = compact({"timestamp": TIME, "record_type": "session_meta", "id": THREAD, "cwd": "/s"}) + b"\n"


def header_of(content: bytes, **options: int) -> Header:
    """Read the header of a file with that content."""
    with open_source(MemoryFileSystem({PATH: content}), PATH) as source:
        return read_header(source, **options)


def test_the_first_line_is_the_header() -> None:
    """Where every client writes it."""
    first = header(history_mode="paginated")
    found = header_of(first + message("user", "hi"))
    assert (found.thread_id, found.mode, found.era) == (THREAD, Mode.PAGINATED, Era.ENVELOPE)
    assert (found.start_offset, found.end_offset, found.is_first) == (0, len(first), True)


def test_the_mode_is_legacy_unless_it_says_otherwise() -> None:
    """A property of the file."""
    assert header_of(header()).mode is Mode.LEGACY


def test_the_ordinal_of_the_header_is_known() -> None:
    """A fork's header does not begin at 0."""
    payload = {"id": THREAD, "timestamp": "", "cwd": "", "originator": "", "cli_version": ""}
    assert header_of(line("session_meta", payload, ordinal=12)).ordinal == 12


def test_the_payload_is_kept_verbatim() -> None:
    """Members that nobody declared are still there."""
    assert b'"brand_new":[1]' in bytes(header_of(header(brand_new=[1])).payload)


def test_the_id_is_read_in_any_spelling() -> None:
    """And has one spelling from then on."""
    assert header_of(header(THREAD.upper())).thread_id == THREAD


def test_blank_lines_before_the_header_do_not_count() -> None:
    """It still is the first line."""
    found = header_of(b"\n\r\n  \n" + header())
    assert (found.start_offset, found.is_first) == (6, True)


@pytest.mark.parametrize(
    "before",
    [
        b"junk\n",
        event("warning"),
        line("brand_new", {}),
        header(cwd=...),
        header(history_mode="brand_new"),
        b'{"timestamp":"t","type":"session_meta"}\n',
        b'{"id":"x","timestamp":"t"}\n',
        b'{"timestamp":"t","record_type":"response"}\n',
        b"[" * 5000 + b"\n",
        b'"\xff"\n',
    ],
)
def test_the_header_is_found_behind_other_lines(before: bytes) -> None:
    """Reading works wherever it stands; writing wants it first, so that is noted."""
    found = header_of(before + header() + message("user", "hi"))
    assert (found.thread_id, found.start_offset, found.is_first) == (THREAD, len(before), False)


def test_the_first_of_several_headers_counts() -> None:
    """Later ones are copied history."""
    assert header_of(header(THREAD) + header(OTHER)).thread_id == THREAD


def test_a_rejected_header_does_not_count() -> None:
    """It is as if it were not there."""
    assert header_of(header(THREAD, cwd=...) + header(OTHER)).thread_id == OTHER


@pytest.mark.parametrize("content", [BARE_HEADER, BARE_HEADER + b'{"record_type":"state"}\n'])
def test_a_bare_header_is_read(content: bytes) -> None:
    """Mid 2025."""
    found = header_of(content)
    assert (found.thread_id, found.mode, found.era) == (THREAD, Mode.LEGACY, Era.BARE)
    assert (found.meta.cwd, found.meta.timestamp) == ("", TIME)
    assert found.meta.git is not None


def test_a_bare_header_longer_than_one_read_is_read() -> None:
    """Instructions may be long."""
    content = BARE_HEADER.replace(b'"x"', b'"' + b"x" * 100_000 + b'"')
    assert header_of(content).era is Era.BARE


def test_a_flat_header_is_read() -> None:
    """Autumn 2025."""
    found = header_of(b"\n" + FLAT_HEADER)
    assert (found.thread_id, found.era, found.meta.cwd) == (THREAD, Era.FLAT, "/s")


def test_a_header_without_newline_is_read() -> None:
    """It is complete."""
    stored = header()[:-1]
    assert header_of(stored).end_offset == len(stored)


@pytest.mark.parametrize("size_bytes", [31 << 10, 33 << 10, 16 << 20])
def test_a_header_may_be_large(size_bytes: int) -> None:
    """Instructions and tools of many megabytes are read whole."""
    start, end = header(base_instructions={"text": "@"}).split(b"@")
    fs = MemoryFileSystem({PATH: Stretched(start, b"x", size_bytes, end + event("warning"))})
    with open_source(fs, PATH) as source:
        found = read_header(source)
    assert found.end_offset == len(start) + size_bytes + len(end)


def test_a_small_header_costs_one_small_read() -> None:
    """Listing reads heads, not files."""
    fs = MemoryFileSystem({PATH: Stretched(header(), b"x", 100 << 20, b"\n")})
    with open_source(fs, PATH) as source:
        read_header(source)
    assert len(fs.reads) == 1
    assert fs.bytes_read <= 64 << 10


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "(is empty)"),
        (b"\n\n", "in 2 bytes (is empty)"),
        (message("user", "hi"), "the first record is response_item"),
        (b"junk\n", "the first line is notJson"),
        (header(cwd=...), "the first line is badPayload"),
        (b"\x00" * 50, "the first line is tornTail"),
        (line("brand_new", {}), "the first line is unknownType"),
        (b'{"any":1}\n', "the first line is badEnvelope"),
        (b'{"id":"abc","timestamp":"t"}\n', "the first line is badPayload"),
    ],
)
def test_a_file_without_header_is_no_thread(content: bytes, what: str) -> None:
    """The message says what is there instead."""
    with pytest.raises(DamagedLog, match=re.escape(what)):
        header_of(content)


def test_a_header_over_the_cap_is_not_read() -> None:
    """The cap holds for every line."""
    with pytest.raises(DamagedLog, match="tooLong"):
        header_of(header(originator="x" * 1000), max_line_bytes=500)


def test_the_search_can_be_bounded() -> None:
    """A listing does not read a whole file that is no thread."""
    fs = MemoryFileSystem({PATH: event("warning") * 10_000 + header()})
    with open_source(fs, PATH) as source, pytest.raises(DamagedLog):
        read_header(source, search_bytes=64 << 10)
    assert fs.bytes_read < 300 << 10


def test_a_bound_larger_than_the_file_changes_nothing() -> None:
    """It is a bound, not a size."""
    assert header_of(event("warning") + header(), search_bytes=1 << 40).thread_id == THREAD
