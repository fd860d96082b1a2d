"""The writer: ordinals, seals, refusals. Every line it writes reads back as the record that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.errors import Conflict, InvalidRequest, StorageFailed
from rollout.format.encoding import Draft
from rollout.format.record import Reason, Record, Rejected
from rollout.format.seals import Seal, find_seal
from rollout.format.times import timestamp_of
from rollout.fs.posix import POSIX
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.log.header import read_header
from rollout.log.lines import Span, iter_lines
from rollout.log.seal import iter_broken_seals
from rollout.log.source import open_source
from rollout.log.tail import Tail, read_tail
from rollout.log.writer import LogWriter
from tests.unit.made_lines import header, line

NOW = 1_795_219_200_123
HEADER = header(history_mode="paginated").replace(
    b'"type":"session_meta"', b'"ordinal":0,"type":"session_meta"'
)


def event(number: int) -> Draft:
    """Return a record."""
    return Draft("event_msg", b'{"type":"token_count","info":null,"n":%d}' % number)


def turn_end(number: int) -> Draft:
    """Return the record that ends a turn."""
    return Draft("event_msg", b'{"type":"task_complete","turn_id":"t%d"}' % number, is_turn_end=True)


def made(tmp_path: Path, content: bytes = HEADER) -> str:
    """Return the path of a rollout with this content."""
    path = tmp_path / "rollout.jsonl"
    path.write_bytes(content)
    return str(path)


def tail_of(path: str, *, is_ours: bool = True) -> Tail:
    """Read a rollout's end."""
    with open_source(POSIX, path) as source:
        return read_tail(source, read_header(source), MAX_LINE_BYTES, is_ours=is_ours)


def writer_of(path: str, *, is_ours: bool = True, max_line_bytes: int = MAX_LINE_BYTES) -> LogWriter:
    """Open a rollout for writing."""
    return LogWriter(POSIX_MUTABLE.open_append(path), tail_of(path, is_ours=is_ours), max_line_bytes)


def records_of(path: str) -> list[Record]:
    """Return all records of a rollout; there is nothing else in it."""
    with open_source(POSIX, path) as source:
        found = [one for batch in iter_lines(source, Span(0, source.size_bytes)) for one in batch]
    assert all(isinstance(one, Record) for one in found)
    return [one for one in found if isinstance(one, Record)]


def seals_of(path: str) -> list[Seal]:
    """Return the seals of a rollout, oldest first."""
    found = [find_seal(record.line, record.start_offset) for record in records_of(path)]
    return [seal for seal in found if seal is not None]


def broken_seals(path: str) -> list[tuple[int, int]]:
    """Return the spans that the chain of seals proves damaged."""
    with open_source(POSIX, path) as source:
        found = list(iter_broken_seals(source, seals_of(path)[-1]))
    assert all(one.reason is Reason.BROKEN_SEAL for one in found)
    return [(one.start_offset, one.end_offset) for one in found]


def test_ordinals_go_on_from_the_last_record(tmp_path: Path) -> None:
    """Across appends and openings, without a gap."""
    path = made(tmp_path)
    with_first = writer_of(path)
    written = with_first.append([event(1), event(2)], NOW)
    with_first.close()
    assert (written.first_ordinal, written.next_ordinal) == (1, 3)
    second = writer_of(path)
    assert second.next_ordinal == 3
    second.append([event(3)], NOW)
    second.close()
    assert [record.ordinal for record in records_of(path)] == [0, 1, 2, 3]


def test_lines_carry_the_time_given(tmp_path: Path) -> None:
    """UTC, with milliseconds."""
    path = made(tmp_path)
    writer_of(path).append([event(1)], NOW)
    assert records_of(path)[-1].envelope.timestamp == "2026-11-21T00:00:00.123Z" == timestamp_of(NOW)


def test_a_line_that_is_not_counted_takes_no_ordinal(tmp_path: Path) -> None:
    """The record behind it goes on where the one before it stopped."""
    path = made(tmp_path)
    writer_of(path).append([event(1), Draft("checkpoint", b"{}", has_ordinal=False), event(2)], NOW)
    content = Path(path).read_bytes().splitlines()
    assert b"ordinal" not in content[2]
    assert b'"ordinal":2,' in content[3]


def test_legacy_lines_have_no_ordinals(tmp_path: Path) -> None:
    """A legacy rollout stays one."""
    path = made(tmp_path, header())
    written = writer_of(path).append([event(1), turn_end(1)], NOW)
    assert (written.first_ordinal, written.next_ordinal) == (None, None)
    assert b"ordinal" not in Path(path).read_bytes()
    assert broken_seals(path) == []


def test_a_turn_end_is_sealed_from_the_file_s_beginning(tmp_path: Path) -> None:
    """In a file of ours the first seal covers the header too."""
    path = made(tmp_path)
    writer_of(path).append([event(1), turn_end(1)], NOW)
    (seal,) = seals_of(path)
    assert seal.covered_from == 0
    assert broken_seals(path) == []


def test_seals_form_a_chain(tmp_path: Path) -> None:
    """Each begins where the one before it stands, within one append, over many, and over openings."""
    path = made(tmp_path)
    first = writer_of(path)
    first.append([event(1), turn_end(1), event(2), turn_end(2)], NOW)
    first.append([event(3)], NOW)
    first.append([turn_end(3)], NOW)
    first.close()
    writer_of(path).append([event(4), turn_end(4)], NOW)
    seals = seals_of(path)
    assert [seal.covered_from for seal in seals] == [0, *(seal.covered_to for seal in seals[:-1])]
    assert broken_seals(path) == []


def test_every_changed_byte_before_the_last_seal_is_found(tmp_path: Path) -> None:
    """Not one byte can be altered unseen: the line is no record any more, or a seal does not match."""
    path = made(tmp_path)
    writer_of(path).append([event(1), turn_end(1), event(2), turn_end(2)], NOW)
    whole = Path(path).read_bytes()
    for at in range(len(whole) - 1):
        for flip in (0x01, 0x20):
            Path(path).write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
            assert is_found_damaged(path), f"byte {at}: {whole[max(0, at - 20) : at + 20]!r}"


def is_found_damaged(path: str) -> bool:
    """Tell whether reading all of a rollout, and following its seals, meets damage."""
    with open_source(POSIX, path) as source:
        lines = [one for batch in iter_lines(source, Span(0, source.size_bytes)) for one in batch]
        if any(isinstance(one, Rejected) and one.is_damage for one in lines):
            return True
        records = [one for one in lines if isinstance(one, Record)]
        seals = [seal for one in records if (seal := find_seal(one.line, one.start_offset)) is not None]
        return any(True for _ in iter_broken_seals(source, seals[-1]))


def test_what_another_client_appended_is_covered_by_the_next_seal(tmp_path: Path) -> None:
    """Seals reach back to the last one of ours, over whatever came between."""
    path = made(tmp_path)
    writer_of(path).append([event(1), turn_end(1)], NOW)
    foreign = line("event_msg", {"type": "token_count", "info": None}, ordinal=3)
    with Path(path).open("ab") as out:
        out.write(foreign)
    writer_of(path).append([event(4), turn_end(4)], NOW)
    whole = Path(path).read_bytes()
    assert broken_seals(path) == []
    Path(path).write_bytes(whole.replace(foreign, foreign.replace(b"04:09:33", b"04:09:34")))
    assert len(broken_seals(path)) == 1


def test_another_client_s_file_is_covered_from_just_before_the_end(tmp_path: Path) -> None:
    """Going on with a foreign gigabyte does not read it."""
    foreign = b"".join(
        line("event_msg", {"type": "token_count", "pad": "x" * 1000}, ordinal=n) for n in range(1, 5_001)
    )
    path = made(tmp_path, HEADER + foreign)
    size = len(HEADER + foreign)
    tail = tail_of(path, is_ours=False)
    assert tail.covered_from == size - (64 << 10)
    assert tail.next_ordinal == 5_001
    writer_of(path, is_ours=False).append([turn_end(1)], NOW)
    assert broken_seals(path) == []


def test_a_missing_newline_is_owed(tmp_path: Path) -> None:
    """A whole last line without its newline gets it, and stays whole."""
    path = made(tmp_path, HEADER + line("event_msg", {"type": "token_count"}, ordinal=1)[:-1])
    writer_of(path).append([event(2), turn_end(2)], NOW)
    assert [record.ordinal for record in records_of(path)] == [0, 1, 2, 3]
    assert broken_seals(path) == []


def test_a_torn_tail_is_not_part_of_the_log(tmp_path: Path) -> None:
    """The end is behind the last whole line; the rest is told with its span."""
    path = made(tmp_path, HEADER + b'{"timestamp":"2026')
    tail = tail_of(path)
    assert tail.end_offset == len(HEADER)
    assert tail.torn is not None
    assert (tail.torn.start_offset, tail.torn.end_offset) == (len(HEADER), len(HEADER) + 18)


def test_a_file_that_cannot_go_on_says_why(tmp_path: Path) -> None:
    """No ordinal at the end of a paginated rollout; no header at the beginning."""
    unnumbered = made(tmp_path, HEADER + line("event_msg", {"type": "token_count"}))
    assert tail_of(unnumbered).refusal == "the last record is missing an ordinal"
    late = made(tmp_path, b"junk\n" + HEADER)
    assert tail_of(late).refusal == "the file does not start with its session metadata"


def test_a_file_that_grew_is_a_conflict(tmp_path: Path) -> None:
    """Nothing is appended behind somebody else's bytes, then or later."""
    path = made(tmp_path)
    writer = writer_of(path)
    with Path(path).open("ab") as out:
        out.write(b"somebody else\n")
    size = Path(path).stat().st_size
    with pytest.raises(Conflict, match=f"expected it to end at byte {len(HEADER)}, found {size}"):
        writer.append([event(1)], NOW)
    with pytest.raises(StorageFailed, match="an earlier write failed"):
        writer.append([event(1)], NOW)
    assert Path(path).stat().st_size == size


def test_a_line_over_the_cap_is_refused_whole(tmp_path: Path) -> None:
    """None of the batch is written, and the writer goes on."""
    path = made(tmp_path)
    writer = writer_of(path, max_line_bytes=200)
    with pytest.raises(InvalidRequest, match="a line may hold 200"):
        writer.append(
            [event(1), Draft("event_msg", b'{"type":"x","a":"%b"}' % (b"y" * 300)), turn_end(1)], NOW
        )
    assert Path(path).read_bytes() == HEADER
    assert writer.append([event(1), turn_end(1)], NOW).first_ordinal == 1
    assert broken_seals(path) == []


@pytest.mark.parametrize(
    "text", [b"", b"x", b"1.short", b"-1." + b"A" * 43, b"01." + b"A" * 43, b"99999999." + b"A" * 43]
)
def test_a_seal_that_is_none_is_damage(tmp_path: Path, text: bytes) -> None:
    """A member of that name with another text was altered."""
    sealed = line("event_msg", {"type": "task_complete", "turn_id": "t"}, ordinal=1)[:-2]
    path = made(tmp_path, HEADER + sealed + b',"seal":"' + text + b'"}\n')
    assert broken_seals(path) == [(len(HEADER), len(HEADER + sealed) + len(b',"seal":""}\n') + len(text))]
