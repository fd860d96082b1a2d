"""A domain plugs in with its tables and a reader; when its key moves, its rows alone are made anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

import pytest

from rollout.catalog.domains import Domain, Unit
from rollout.catalog.keys import KEYS
from rollout.catalog.query import Query
from rollout.catalog.registry import DOMAINS, LISTED
from rollout.errors import Conflict, InvalidRequest
from rollout.format.record import Record
from tests.builders import thread
from tests.catalog_home import DiskHome, column, rows_of

ANSWERS = ("CREATE TABLE answers(file_id INTEGER NOT NULL, start_offset INTEGER NOT NULL)",)
ASKED: list[str] = []
SETTLED: list[str] = []


class AnswerReader:
    """Notes where assistant messages are."""

    labels = frozenset({"response_item"})
    newest: tuple[frozenset[str], ...] = ()

    def __init__(self, unit: Unit, connection: sqlite3.Connection) -> None:
        self._found: list[int] = []
        ASKED.append(f"{unit.thread_id[-1]}@{unit.start_offset}")

    def feed(self, record: Record) -> None:
        """Take the next item."""
        if record.envelope.payload.role == "assistant":
            self._found.append(record.start_offset)

    def feed_newest(self, group: frozenset[str], records: Iterator[Record]) -> None:
        """Every item counts."""

    def store(self, connection: sqlite3.Connection, file_id: int) -> None:
        """Write them."""
        connection.executemany("INSERT INTO answers VALUES(?, ?)", [(file_id, at) for at in self._found])


def note_settled(connection: sqlite3.Connection, thread_ids: Iterable[str]) -> None:
    """Remember whose rows were made anew."""
    SETTLED.extend(thread_id[-1] for thread_id in thread_ids)


ANSWERED = Domain("answers", ("answers",), ANSWERS, AnswerReader, settle=note_settled)
MORE = (*DOMAINS, ANSWERED)
COUNT = "SELECT count(*) FROM answers"
BOTH = LISTED | {"answers"}


@pytest.fixture(autouse=True)
def nothing_noted() -> None:
    """No test sees what another noted."""
    ASKED.clear()
    SETTLED.clear()


def keys(version: str) -> dict[str, str]:
    """Return keys with one for the domain of these tests."""
    return {**KEYS, "answers": version}


def test_a_new_domain_is_due_for_what_is_there_and_fed_what_is_new(disk: DiskHome) -> None:
    """A refresh that does not ask for it leaves it due; one that does makes up for it."""
    rollout = thread(1).turn("Hey")
    disk.put(rollout)
    with disk.catalog() as catalog:
        catalog.refresh()
    catalog = disk.catalog(MORE, keys("1"))
    disk.put(thread(2).turn("Hello"))
    catalog.refresh()
    assert column(catalog, COUNT) == [1]
    catalog.refresh(wanted=BOTH)
    assert column(catalog, COUNT) == [2]


def test_an_append_to_a_file_that_is_due_is_fed_once(disk: DiskHome) -> None:
    """What stays due is read whole later, not from the watermark of the others."""
    rollout = thread(1).turn("Hey")
    disk.put(rollout)
    with disk.catalog() as catalog:
        catalog.refresh()
    catalog = disk.catalog(MORE, keys("1"))
    disk.put(rollout.turn("And now?"))
    catalog.refresh()
    assert column(catalog, COUNT) == [0]
    disk.put(rollout.turn("And then?"))
    catalog.refresh(wanted=BOTH)
    assert column(catalog, COUNT) == [3]
    disk.put(rollout.turn("At last?"))
    catalog.refresh()
    assert column(catalog, COUNT) == [4]
    assert [asked for asked in ASKED if asked.endswith("@0")] == ["1@0"]


def test_a_key_that_moved_makes_one_domain_anew(disk: DiskHome) -> None:
    """The others keep their rows, and their threads are not described again."""
    disk.put(thread(1).turn("Hey"))
    with disk.catalog(MORE, keys("1")) as catalog:
        catalog.refresh(wanted=BOTH)
        before = rows_of(catalog)
    ASKED.clear()
    catalog = disk.catalog(MORE, keys("2"))
    assert column(catalog, COUNT) == [0]
    done = catalog.refresh(wanted=BOTH)
    assert column(catalog, COUNT) == [1]
    assert (done.absorbed, ASKED) == (1, ["1@0"])
    assert rows_of(catalog) == before


def test_rows_that_another_release_threw_away_are_not_believed(disk: DiskHome) -> None:
    """Two releases over one home cost each other time, and hide nothing."""
    disk.put(thread(1).turn("Hey"))
    ours, theirs = disk.catalog(), disk.catalog(keys={**KEYS, "threads": "another"})
    everything = Query(10, "created", is_descending=True, is_archived=False)
    ours.refresh()
    assert len(ours.find_threads(everything)) == 1
    assert column(theirs, "SELECT count(*) FROM threads") == [0]
    with pytest.raises(Conflict, match="made anew meanwhile"):
        ours.find_threads(everything)
    for catalog in (ours, theirs, ours):
        catalog.refresh()
        assert len(catalog.find_threads(everything)) == 1


def test_a_key_that_stayed_makes_nothing_anew(disk: DiskHome) -> None:
    """Also when the catalog is opened by another process."""
    disk.put(thread(1).turn("Hey"))
    for _ in range(2):
        with disk.catalog(MORE, keys("1")) as catalog:
            catalog.refresh(wanted=BOTH)
    assert ASKED == ["1@0"]


def test_rows_of_a_file_that_is_gone_go(disk: DiskHome) -> None:
    """By the column that every table of a domain has."""
    path = disk.put(thread(1).turn("Hey"))
    catalog = disk.catalog(MORE, keys("1"))
    catalog.refresh(wanted=BOTH)
    path.unlink()
    catalog.refresh()
    assert column(catalog, COUNT) == [0]


def test_a_domain_is_told_whose_rows_were_made_anew(disk: DiskHome) -> None:
    """So that what it keeps of a thread, say its title, follows; also of one that is gone."""
    rollout = thread(1).turn("Hey")
    path = disk.put(rollout)
    disk.put(thread(2).turn("Hello"))
    catalog = disk.catalog(MORE, keys("1"))
    catalog.refresh()
    assert sorted(SETTLED) == ["1", "2"]
    SETTLED.clear()
    disk.put(rollout.turn("And now?"))
    catalog.refresh()
    path.unlink()
    catalog.refresh()
    assert SETTLED == ["1", "1"]


def test_a_rebuild_of_a_domain_reads_for_it_alone(disk: DiskHome) -> None:
    """Readers find the old rows until the new ones are there."""
    disk.put(thread(1).turn("Hey"))
    catalog = disk.catalog(MORE, keys("1"))
    catalog.refresh(wanted=BOTH)
    before = rows_of(catalog)
    ASKED.clear()
    catalog.rebuild("turns")
    assert ["1@" + str(len(thread(1).turn("Hey").content))] == ASKED
    catalog.rebuild("answers")
    assert ASKED[1:] == ["1@0"]
    assert rows_of(catalog) == before
    assert column(catalog, COUNT) == [1]


def test_a_rebuild_finds_what_was_spoilt(disk: DiskHome) -> None:
    """Whatever the rows said, they are made from the logs."""
    disk.put(thread(1).turn("Hey"))
    catalog = disk.catalog()
    catalog.refresh()
    before = rows_of(catalog)

    def spoil(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE threads SET title = 'spoilt', created_place = 1")
        connection.execute("DELETE FROM turns")
        connection.execute("UPDATE extracts SET stored = x'00'")

    catalog.ask("spoiling", spoil)
    catalog.rebuild()
    assert rows_of(catalog) == before


def test_a_domain_that_there_is_none_of_is_refused(disk: DiskHome) -> None:
    """The message names those that there are."""
    with pytest.raises(InvalidRequest, match=r"expected one of threads, turns.*, found 'nothing'"):
        disk.catalog().rebuild("nothing")
