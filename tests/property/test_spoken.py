"""A search by letters finds what a plain scan finds, page by page, by the index as by the files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from rollout.catalog.query import ThreadFilter
from rollout.store.cataloged import Cataloged
from rollout.store.listing import ListRequest
from rollout.store.places import SortKey
from rollout.store.spoken import SpokenPage
from rollout.turns.paging import SortDirection
from tests.builders import Rollout, packed, thread
from tests.catalog_home import DiskHome

WORDS = [
    "leases",
    "EPOCH",
    "a_b/c.py",
    'say "x"\\',
    "naïve",
    "STRASSE",
    "検索機",
    "ask",
    "K\u212a",
    "\u017fo",
    "two\nlines",
]
SAID = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
TERMS = st.one_of(
    SAID.flatmap(lambda text: st.integers(0, len(text) - 1).map(lambda at: text[at : at + 5])),
    st.sampled_from(
        ["lease", "poch a", "s", "k", "SK", "索", 'x"', "\\", "environment", "nothing of it", "ïv"]
    ),
).filter(lambda term: bool(term.strip()))


class Made(Struct):
    """One thread of a home: where it lies, and all texts that its newest rollout says."""

    mode: str
    texts: list[str]
    context: str
    is_archived: bool
    is_packed: bool
    is_escaped: bool


MADE = st.builds(
    Made,
    st.sampled_from(["paginated", "legacy"]),
    st.lists(SAID, min_size=1, max_size=3),
    st.sampled_from(["", "<environment_context>EPOCH</environment_context>"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@contextmanager
def home() -> Iterator[DiskHome]:
    """Give a home that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        disk = DiskHome(Path(folder))
        try:
            yield disk
        finally:
            disk.close()


def rollout_of(number: int, made: Made) -> Rollout:
    """Return the rollout of a thread; with `is_escaped` as a writer of plain ASCII stores it."""
    rollout = thread(number, made.mode, source="cli")
    if made.context:
        rollout.user(made.context)
    for text in made.texts:
        rollout.turn(text, "an answer")
    if made.is_escaped:
        lines = [json.loads(line) for line in rollout.content.splitlines()]
        rollout.content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return rollout


def put(disk: DiskHome, number: int, made: Made) -> None:
    """Write a thread to a home."""
    path = disk.put(rollout_of(number, made), archived=made.is_archived, minute=number)
    if made.is_packed:
        disk.write(path.with_name(f"{path.name}.zst"), packed(path.read_bytes()))
        path.unlink()


def walk(listings: Cataloged, request: ListRequest, term: str) -> list[tuple[str, str | None, str, int]]:
    """Return everything that a search finds, page by page: threads, cursors, and what was found where."""
    found: list[tuple[str, str | None, str, int]] = []
    cursor: str | None = None
    while True:
        page: SpokenPage = listings.search_spoken(
            ListRequest(
                request.limit, cursor, request.sort, request.direction, request.is_archived, request.where
            ),
            term,
        )
        found += [
            (one.summary.id, page.backwards_cursor, one.place.text, one.place.start) for one in page.data
        ]
        cursor = page.next_cursor
        if cursor is None:
            return found


def says(made: Made, term: str) -> bool:
    """Tell whether a plain scan finds a term: letters that differ by case alone are one."""

    def plain(text: str) -> str:
        return text.lower().replace("\u017f", "s")

    said = [made.context, "an answer", *made.texts]
    return any(plain(term) in plain(text) for text in said)


@settings(max_examples=40)
@given(
    st.lists(MADE, min_size=1, max_size=6),
    TERMS,
    st.sampled_from(SortKey),
    st.sampled_from(SortDirection),
    st.booleans(),
)
def test_index_and_files_find_the_same(
    threads: list[Made], term: str, sort: SortKey, direction: SortDirection, is_archived: bool
) -> None:
    """In every order, live or archived, by pages of two; and both what was said."""
    request = ListRequest(2, None, sort, direction, is_archived, ThreadFilter(source_kinds=("cli",)))
    with home() as disk:
        for number, made in enumerate(threads, 1):
            put(disk, number, made)
        by_files = walk(disk.listings(), request, term)
        indexed = disk.listings()
        indexed.rebuild()
        assert walk(indexed, request, term) == by_files
        wanted = {
            f"{number:012x}"
            for number, made in enumerate(threads, 1)
            if made.is_archived is is_archived and says(made, term)
        }
        assert {thread_id[-12:] for thread_id, *_ in by_files} == wanted


@settings(max_examples=15)
@given(st.lists(MADE, min_size=1, max_size=4), st.lists(SAID, min_size=1, max_size=3), TERMS)
def test_an_index_that_is_behind_misses_nothing(threads: list[Made], later: list[str], term: str) -> None:
    """What was said since it was made is found: it is brought up to date, or the files are asked."""
    request = ListRequest(100)
    with home() as disk:
        for number, made in enumerate(threads, 1):
            put(disk, number, Made(made.mode, made.texts, made.context, False, False, False))
        listings = disk.listings()
        listings.rebuild()
        walk(listings, request, term)
        for number, made in enumerate(threads, 1):
            put(disk, number, Made(made.mode, [*made.texts, *later], made.context, False, False, False))
        found = {thread_id[-12:] for thread_id, *_ in walk(listings, request, term)}
        wanted = {
            f"{number:012x}"
            for number, made in enumerate(threads, 1)
            if says(Made(made.mode, [*made.texts, *later], made.context, False, False, False), term)
        }
        assert found == wanted
