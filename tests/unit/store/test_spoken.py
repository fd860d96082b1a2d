"""Search by letters: which texts match, when the index is asked, and what bytes of a file may hold a text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.ids import RolloutId, ThreadId
from rollout.log.layout import RolloutFile, RolloutName
from rollout.store.listing import ListRequest
from rollout.store.spoken import SpokenSearch, letters_of
from rollout.store.spoken_bytes import byte_test
from rollout.testing.memory import MemoryFileSystem
from tests.builders import thread, uuid
from tests.catalog_home import DiskHome


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskHome]:
    """A home on a real disk."""
    made = DiskHome(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("STRAßE", "straße"),
        ("kelvin", "\u212aelvin"),
        ("strange", "\u017ftrange"),
        ("σας", "ΣΑΣ"),
        ("I", "i"),
    ],
)
def test_letters_match_whatever_their_case(term: str, text: str) -> None:
    """One letter against one letter, as the reference server has it."""
    assert letters_of(term).fullmatch(text)


@pytest.mark.parametrize(
    ("term", "text"), [("ss", "ß"), ("istanbul", "İstanbul"), ("kirmizi", "k\u0131rmizi"), ("f.ce", "face")]
)
def test_other_letters_do_not_match(term: str, text: str) -> None:
    """A dotless i, an accent or a dot is a letter of its own."""
    assert not letters_of(term).search(text)


def test_an_index_that_is_up_to_date_is_asked(disk: DiskHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is looked through then, not even for what was appended meanwhile."""
    growing = thread(1).turn("nothing yet")
    disk.put(growing)
    disk.put(thread(2).turn("another"), minute=1)
    listings = disk.listings()
    listings.rebuild()
    disk.put(growing.turn("the needle"))
    monkeypatch.delattr(SpokenSearch, "page_of_files")
    found = listings.search_spoken(ListRequest(), "needl")
    assert [one.summary.id for one in found.data] == [uuid(1)]


def test_without_an_index_the_files_are_asked(disk: DiskHome) -> None:
    """No catalog is made for a search by letters."""
    disk.put(thread(1).turn("the needle"))
    found = disk.listings().search_spoken(ListRequest(), "needl")
    assert [one.summary.id for one in found.data] == [uuid(1)]
    assert not disk.state.exists()


def test_what_a_revert_took_back_is_not_found(disk: DiskHome) -> None:
    """The newest rollout alone counts; the index knows the older one, too."""
    first = thread(1).turn("kept")
    at = first.position
    first.turn("the needle")
    disk.put(first)
    disk.put(first.revert(9, at), minute=1)
    listings = disk.listings()
    assert listings.search_spoken(ListRequest(), "needl").data == []
    listings.rebuild()
    assert listings.search_spoken(ListRequest(), "needl").data == []


def test_a_rebuild_leaves_no_dead_rows(disk: DiskHome) -> None:
    """However often it is done."""
    disk.put(thread(1).turn("the needle"))
    listings = disk.listings()
    for _ in range(3):
        listings.rebuild()
    rows = listings.get().ask(
        "counting",
        lambda connection: connection.execute("SELECT rowid FROM spoken_letters('\"nee\"')").fetchall(),
    )
    assert len(rows) == 1


def may_hold(content: bytes, text: str) -> bool:
    """Tell whether a file of these bytes may hold a text."""
    fs = MemoryFileSystem()
    fs.put("/home/a.jsonl", content)
    name = RolloutName("2026-11-21T04-09-33", ThreadId(uuid(1)), RolloutId(uuid(1)), False)
    return byte_test(fs, text)(RolloutFile("/home/a.jsonl", name, False))


@pytest.mark.parametrize("text", ["needle", 'a "needle"', "NEEDLE/of", "needle\\", "k\u212a needle"])
@pytest.mark.parametrize("is_ascii", [True, False])
def test_bytes_that_hold_a_text_are_not_passed_over(text: str, is_ascii: bool) -> None:
    """Whatever a writer escapes."""
    assert may_hold(json.dumps({"text": f"before {text} behind"}, ensure_ascii=is_ascii).encode(), text)


@pytest.mark.parametrize("stored", ["n\\u0065edle", "\u017feed", "\\u017Feed", "\u212aeed"])
def test_letters_that_stand_otherwise_are_not_passed_over(stored: str) -> None:
    """Escaped for no need, or another form of a plain letter."""
    term = {"n": "needle", "\u212a": "keed"}.get(stored[0], "seed")
    assert may_hold(f'{{"text":"{stored}"}}'.encode(), term)


def test_a_text_across_two_reads_is_not_passed_over() -> None:
    """Files are looked through piece by piece."""
    for before in range(65_520, 65_540):
        assert may_hold(b"x" * before + b"needle" + b"x" * 100, "needle")


def test_bytes_without_a_text_are_passed_over() -> None:
    """Most files are not even taken apart."""
    assert not may_hold(b"x" * 200_000, "needle")
