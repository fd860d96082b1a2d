"""Check reads everything, changes nothing, and names spans."""

from __future__ import annotations

import pytest

from rollout.format.record import Reason
from rollout.store.check import FileCheck
from rollout.testing.memory import MemoryFileSystem
from tests.unit.made_lines import header, line
from tests.unit.store.small_home import log_of, path_of, store_of, thread_id


def numbered(ordinal: int) -> bytes:
    """Return a record of a paginated log."""
    return line("event_msg", {"type": "task_started", "turn_id": f"t{ordinal}"}, ordinal=ordinal)


def paginated(*lines: bytes) -> bytes:
    """Return a paginated log."""
    first = line(
        "session_meta",
        {
            "id": thread_id(0),
            "timestamp": "2026-11-21T00:00:00.000Z",
            "cwd": "/src",
            "originator": "made",
            "cli_version": "0.169.0",
            "history_mode": "paginated",
        },
        ordinal=0,
    )
    return first + b"".join(lines)


def check_of(content: bytes, number: int = 0) -> FileCheck:
    """Check a home of one file."""
    with store_of(MemoryFileSystem({path_of(number): content})) as store:
        (found,) = store.check(store.files_to_check())
    return found


def test_a_sound_log_is_sound() -> None:
    """Counts are exact, and nothing is found."""
    content = paginated(numbered(1), numbered(2))
    found = check_of(content)
    assert found.is_sound
    assert (found.records, found.size_bytes, found.damage) == (3, len(content), [])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(b"{not json\n", Reason.NOT_JSON), (b'{"a":"\xff"}\n', Reason.BAD_UTF8), (b"[]\n", Reason.BAD_ENVELOPE)],
)
def test_damage_has_its_span(bad: bytes, reason: Reason) -> None:
    """The bytes between start and end are exactly the line."""
    before = paginated(numbered(1))
    found = check_of(before + bad + numbered(2))
    (damage,) = found.damage
    assert (damage.reason, damage.start_offset, damage.end_offset) == (
        reason,
        len(before),
        len(before) + len(bad),
    )
    assert found.records == 3


def test_a_torn_tail_is_no_damage() -> None:
    """A crash leaves it; it is told, and the file is sound."""
    found = check_of(paginated(numbered(1)) + b'{"timestamp":"2026')
    assert found.is_sound
    assert found.torn_tail is not None
    assert found.torn_tail.reason is Reason.TORN_TAIL


def test_newer_types_are_counted_not_blamed() -> None:
    """Unknown is not wrong."""
    found = check_of(paginated(line("from_the_future", {}, ordinal=1), numbered(2)))
    assert found.is_sound
    assert found.passed_over == {"unknownType": 1}


def test_a_gap_in_the_ordinals_is_damage() -> None:
    """A missing record shows in the number of the next one."""
    found = check_of(paginated(numbered(1), numbered(3)))
    assert [damage.detail for damage in found.damage] == ["expected ordinal 2, found 3"]
    assert found.damage[0].reason is Reason.ORDINAL


def test_a_damaged_line_excuses_the_gap_it_leaves() -> None:
    """One loss is reported once."""
    found = check_of(paginated(numbered(1), b"lost\n", numbered(3)))
    assert [damage.reason for damage in found.damage] == [Reason.NOT_JSON]


def test_a_copied_header_is_damage() -> None:
    """A header in the middle of a paginated log is found with its span."""
    content = paginated(numbered(1))
    found = check_of(content + content.split(b"\n")[0].replace(b'"ordinal":0', b'"ordinal":2') + b"\n")
    assert [damage.reason for damage in found.damage] == [Reason.COPIED_HEADER]


def test_a_legacy_log_may_repeat_headers() -> None:
    """There a fork copies its source's header with the rest."""
    assert check_of(log_of(0) + header(thread_id(5))).is_sound


def test_a_name_that_contradicts_the_header_is_a_problem() -> None:
    """Both ids are named."""
    found = check_of(log_of(0), number=3)
    assert found.problem is not None
    assert f"expected thread {thread_id(3)}" in found.problem.message
    assert f"found a header of thread {thread_id(0)}" in found.problem.message


def test_a_file_without_header_is_a_problem() -> None:
    """It is told like any other, and stops nothing."""
    found = check_of(b"")
    assert found.problem is not None
    assert found.problem.code == "log.damaged"


def test_a_missing_parent_is_a_problem_of_the_child() -> None:
    """The link is named; the child's own lines are counted."""
    base = {"thread_id": thread_id(9), "end_ordinal_exclusive": 3, "end_byte_offset": 10}
    found = check_of(log_of(0, history_mode="paginated", history_base=base))
    assert found.problem is not None
    assert "missing source rollout" in found.problem.message
    assert found.records == 1


def test_a_check_closes_what_it_opened() -> None:
    """No file stays open, whatever is wrong with it; a fork whose base is missing used to."""
    base = {"thread_id": thread_id(9), "end_ordinal_exclusive": 3, "end_byte_offset": 10}
    orphan = log_of(3, history_mode="paginated", history_base=base)
    files = {path_of(0): b"junk", path_of(1): log_of(1), path_of(2): log_of(0), path_of(3): orphan}
    fs = MemoryFileSystem(files)
    with store_of(fs) as store:
        assert len(list(store.check(store.files_to_check()))) == 4
    assert fs.open_count == 0


def test_a_check_of_a_thread_reads_its_ancestors() -> None:
    """A fork's history lies in its parent's file too."""
    parent = paginated(numbered(1))
    base = {"thread_id": thread_id(0), "end_ordinal_exclusive": 2, "end_byte_offset": len(parent)}
    fs = MemoryFileSystem(
        {path_of(0): parent, path_of(1): log_of(1, history_mode="paginated", history_base=base)}
    )
    fs.put(path_of(2), log_of(2))
    with store_of(fs) as store, store.open_thread(thread_id(1)) as thread:
        assert [file.path for file in store.files_to_check(thread)] == [path_of(0), path_of(1)]


def test_a_checkpoint_takes_no_ordinal() -> None:
    """The record behind it has the number that follows on the one before it; the line is passed over."""
    between = line("checkpoint", {"version": 1})
    found = check_of(paginated(numbered(1), between, numbered(2)))
    assert (found.damage, found.passed_over) == ([], {"checkpoint": 1})
    found = check_of(paginated(numbered(1), between, numbered(3)))
    assert [damage.detail for damage in found.damage] == ["expected ordinal 2, found 3"]
