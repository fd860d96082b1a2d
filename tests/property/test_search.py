"""Whatever was said is found, nothing else is, and it does not matter how the index came about."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from rollout.catalog.search_query import expression_of, matches, parse_query
from rollout.catalog.search_words import atoms_of, keys_of
from rollout.errors import InvalidRequest
from rollout.store.cataloged import Cataloged
from rollout.store.search import SearchRequest
from tests.builders import Rollout, thread
from tests.catalog_home import DiskHome

VOCABULARY = ["lease", "Lease", "leases", "epoch", "torn", "tail", "a_b", "x/y.py", "Ünï", "v2", "検索", "機"]
SAID = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=6).map(" ".join)
WORD = re.compile(r"[a-z0-9ünï]+|[検索機]")


class Archive(Struct):
    """A home's threads as texts, by number; the oracle looks at nothing else."""

    texts: dict[int, list[str]]


ARCHIVES = st.lists(
    st.tuples(st.sampled_from(["legacy", "paginated"]), st.lists(SAID, min_size=1, max_size=4)),
    min_size=1,
    max_size=4,
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


def words_of(text: str) -> list[str]:
    """Return the words of a text as a reader without the index would: no helper is shared."""
    return WORD.findall(text.lower())


def holds(text: str, query: str) -> bool:
    """Tell whether a text holds the words of a query one behind the other, by looking."""
    said, wanted = words_of(text), words_of(query)
    return any(said[at : at + len(wanted)] == wanted for at in range(len(said)))


def found_by(listings: Cataloged, query: str) -> set[int]:
    """Return the numbers of the threads that a search finds."""
    page = listings.search(SearchRequest(query, limit=100))
    assert page.total == len(page.data)
    return {int(one.summary.id[-4:], 16) for one in page.data}


@settings(max_examples=20)
@given(ARCHIVES, st.sampled_from(VOCABULARY), st.sampled_from(VOCABULARY))
def test_what_was_said_is_found_and_nothing_else(
    threads: list[tuple[str, list[str]]], one: str, other: str
) -> None:
    """Words, phrases, AND, OR and NOT give what a plain scan of every message gives."""
    with home() as disk:
        archive = Archive({})
        for number, (mode, texts) in enumerate(threads, 1):
            made = thread(number, mode)
            for text in texts:
                made.turn(text, "done")
            disk.put(made, minute=number)
            archive.texts[number] = texts
        questions = {
            one: lambda text: holds(text, one),
            f'"{one} {other}"': lambda text: holds(text, f"{one} {other}"),
            f"{one} {other}": lambda text: holds(text, one) and holds(text, other),
            f"{one} OR {other}": lambda text: holds(text, one) or holds(text, other),
            f"{one} NOT {other}": lambda text: holds(text, one) and not holds(text, other),
        }
        listings = disk.listings()
        for query, is_there in questions.items():
            expected = {number for number, texts in archive.texts.items() if any(map(is_there, texts))}
            assert found_by(listings, query) == expected, query


def grown(rollout: Rollout, texts: list[str]) -> Rollout:
    """Return a rollout with a turn for each text."""
    for text in texts:
        rollout.turn(text)
    return rollout


@settings(max_examples=12)
@given(
    st.lists(st.tuples(st.integers(1, 3), SAID, st.booleans()), min_size=1, max_size=8),
    st.sampled_from(VOCABULARY),
)
def test_an_index_that_followed_finds_what_one_made_anew_finds(
    steps: list[tuple[int, str, bool]], query: str
) -> None:
    """Appended to or replaced, searched in between or not: the hits and their places are the same."""
    with home() as disk:
        rollouts: dict[int, Rollout] = {}
        for number, text, is_anew in steps:
            if is_anew or number not in rollouts:
                rollouts[number] = thread(number)
            disk.put(grown(rollouts[number], [text]), minute=number)
            disk.listings().search(SearchRequest(text))
        followed = disk.listings().search(SearchRequest(query, limit=100))
        disk.listings().get().close()
        for path in disk.database.parent.glob("catalog.sqlite*"):
            path.unlink()
        anew = disk.listings().search(SearchRequest(query, limit=100))
        assert followed == anew


@settings(max_examples=200)
@given(st.text(st.one_of(st.sampled_from('"()*-: ^+ANDORTNa1é検'), st.characters()), max_size=40))
def test_whatever_is_typed_is_understood_or_refused(query: str) -> None:
    """And never reaches SQL as syntax: the index takes every expression that is made of it."""
    try:
        node = parse_query(query)
    except InvalidRequest:
        return
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE words USING fts5(keys, content='', detail=none, tokenize='ascii')"
    )
    connection.execute("INSERT INTO words(rowid, keys) VALUES(1, 'a')")
    connection.execute("SELECT rowid FROM words WHERE words MATCH ?", (expression_of(node),)).fetchall()
    connection.close()


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_every_word_of_a_text_finds_it(text: str) -> None:
    """Through the index's own cutting, and through ours: FTS5 keeps each key as one."""
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE words USING fts5(keys, content='', detail=none, tokenize='ascii')"
    )
    connection.execute("INSERT INTO words(rowid, keys) VALUES(1, ?)", (" ".join(keys_of(text)),))
    for word in text.split():
        atoms = atoms_of(word)
        if not atoms or '"' in word or "(" in word or ")" in word or word in {"AND", "OR", "NOT"}:
            continue
        node = parse_query(word)
        asked = expression_of(node)
        assert connection.execute("SELECT rowid FROM words WHERE words MATCH ?", (asked,)).fetchall(), word
        assert matches(node, atoms_of(text)), word
    connection.close()
