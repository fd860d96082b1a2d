"""What a refresh does about a file follows from one look at it and from what was known."""

from __future__ import annotations

import msgspec
import pytest

from rollout.catalog.plan import Known, Why, find_work, plan_refresh
from rollout.catalog.walk import Seen, Walk
from rollout.log.layout import find_name
from tests.builders import uuid

FOLDER = "/home/sessions/2026/11/21"
NAME = f"rollout-2026-11-21T04-09-33-{uuid(1)}.jsonl"
PATH = f"{FOLDER}/{NAME}"
KNOWN = Known(1, PATH, 1000, 5, 7, 900, 0, 1, False)
SEEN = Seen(PATH, False, 1000, 5, 7, find_name(NAME))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({"size_bytes": 1001, "changed_ns": 6}, Why.GREW),
        ({"size_bytes": 1001}, Why.GREW),
        ({"size_bytes": 999, "changed_ns": 6}, Why.SHRANK),
        ({"size_bytes": 999}, Why.SHRANK),
        ({"changed_ns": 6}, Why.REWRITTEN),
        ({"changed_ns": 4}, Why.REWRITTEN),
        ({"inode": 8}, Why.REPLACED),
        ({"inode": 8, "size_bytes": 2000, "changed_ns": 6}, Why.REPLACED),
    ],
)
def test_size_time_and_inode_decide(change: dict[str, int], why: Why | None) -> None:
    """Either of size and time changes a file; more bytes are an append, anything else is read anew."""
    work = find_work(msgspec.structs.replace(SEEN, **change), KNOWN, 1)
    assert (work.why if work is not None else None) is why


def test_an_unknown_file_is_new() -> None:
    """There is nothing to compare it with."""
    work = find_work(SEEN, None, 1)
    assert work is not None
    assert work.why is Why.NEW


def test_a_compressed_file_that_grew_is_read_anew() -> None:
    """Offsets count decoded bytes, sizes stored ones."""
    path = f"{PATH}.zst"
    seen = msgspec.structs.replace(SEEN, path=path, size_bytes=2000)
    work = find_work(seen, msgspec.structs.replace(KNOWN, path=path), 1)
    assert work is not None
    assert work.why is Why.REWRITTEN


def test_a_file_of_which_nothing_was_absorbed_is_read_anew() -> None:
    """A header that was cut short may be whole now."""
    work = find_work(
        msgspec.structs.replace(SEEN, size_bytes=2000), msgspec.structs.replace(KNOWN, watermark=0), 1
    )
    assert work is not None
    assert work.why is Why.REWRITTEN


@pytest.mark.parametrize(("due", "wanted", "why"), [(2, 1, None), (2, 2, Why.DUE), (3, 1, Why.DUE)])
def test_a_due_domain_is_made_up_for_where_it_is_wanted(due: int, wanted: int, why: Why | None) -> None:
    """What nobody asks for stays due."""
    work = find_work(SEEN, msgspec.structs.replace(KNOWN, due=due), wanted)
    assert (work.why if work is not None else None) is why


def test_a_refused_file_is_tried_again() -> None:
    """A right to read changes neither size nor time."""
    work = find_work(SEEN, msgspec.structs.replace(KNOWN, is_refused=True), 1)
    assert work is not None
    assert work.why is Why.REFUSED


def test_an_append_costs_its_tail() -> None:
    """What is before the watermark is not read again."""
    work = find_work(msgspec.structs.replace(SEEN, size_bytes=1234), KNOWN, 1)
    assert work is not None
    assert work.size_bytes == 334


def walk_of(*seen: Seen, unreadable: tuple[str, ...] = ()) -> Walk:
    """Return a walk that met these files."""
    return Walk({one.path: one for one in seen}, [], list(unreadable), [])


def test_a_file_that_is_gone_has_vanished() -> None:
    """Its rows go."""
    assert plan_refresh({PATH: KNOWN}, walk_of(), 1).vanished == [KNOWN]


def test_nothing_vanishes_from_a_folder_that_was_refused() -> None:
    """An unmounted disk, or a right taken away, says nothing of the files."""
    assert plan_refresh({PATH: KNOWN}, walk_of(unreadable=("/home/sessions/2026",)), 1).vanished == []


def test_a_file_under_another_folder_has_moved() -> None:
    """Archiving changes neither bytes nor time, so that nothing is read."""
    moved = msgspec.structs.replace(SEEN, path=f"/home/archived_sessions/{NAME}", is_archived=True)
    plan = plan_refresh({PATH: KNOWN}, walk_of(moved), 1)
    assert [move.seen for move in plan.moves] == [moved]
    assert (plan.work, plan.vanished) == ([], [])


def test_a_copy_under_another_folder_has_not_moved() -> None:
    """Another inode is another file, whatever its name."""
    copied = msgspec.structs.replace(SEEN, path=f"/home/archived_sessions/{NAME}", inode=9)
    plan = plan_refresh({PATH: KNOWN}, walk_of(copied), 1)
    assert [work.why for work in plan.work] == [Why.NEW]
    assert plan.vanished == [KNOWN]


def test_the_newest_files_come_first() -> None:
    """Whoever reads only so many bytes gets what changed last."""
    seen = [msgspec.structs.replace(SEEN, path=f"{FOLDER}/{at}", changed_ns=at) for at in (3, 9, 6)]
    assert [work.seen.changed_ns for work in plan_refresh({}, walk_of(*seen), 1).work] == [9, 6, 3]
