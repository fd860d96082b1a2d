"""Listings of a home by a live client and by us: the same threads on the same pages, by files and by rows.

Where the two differ is said in docs/protocol.md, "Differences from the reference server".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from refclient.capture import copy_home
from refclient.endpoint import StandIn
from refclient.install import Client
from refclient.rpc import AppServer

from rollout.store.root import open_store
from rollout.store.store import Store
from tests.builders import uuid
from tests.conformance.recorded import RECORDED
from tests.interop.listed import (
    SORTS,
    WAYS,
    Question,
    flat,
    generated_home,
    learn,
    once,
    our_pages,
    their_pages,
    was_asked,
)
from tests.interop.ours import is_older

pytestmark = pytest.mark.interop

HOMES = sorted(path.name for path in RECORDED.iterdir() if path.is_dir())
KINDS = [
    *("cli", "vscode", "exec", "appServer", "unknown", "subAgent"),
    *("subAgentReview", "subAgentCompact", "subAgentThreadSpawn", "subAgentOther"),
]


@dataclass(frozen=True)
class Both:
    """A running client on one copy of a home, and our store over another."""

    server: AppServer
    store: Store

    def ours(self, question: Question) -> list[list[str]]:
        """Return our pages, which files and rows agree on."""
        files = our_pages(self.store, question, by_rows=False)
        assert our_pages(self.store, question, by_rows=True) == files
        return files

    def theirs(self, question: Question) -> list[list[str]]:
        """Return the client's pages."""
        return their_pages(self.server, question)


@pytest.fixture(scope="module")
def generated(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """A generated home, put to both sides."""
    folder = tmp_path_factory.mktemp("generated")
    yield from _put(client, generated_home(folder / "made"), folder)


@pytest.fixture(scope="module", params=HOMES)
def recorded(
    request: pytest.FixtureRequest, client: Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """Each recorded home, put to both sides."""
    yield from _put(client, RECORDED / request.param, tmp_path_factory.mktemp("recorded"))


def _put(client: Client, home: Path, folder: Path) -> Iterator[Both]:
    theirs, ours = copy_home(home, folder / "theirs"), copy_home(home, folder / "ours")
    with StandIn() as endpoint, AppServer(client, theirs, endpoint) as server, open_store(ours) as store:
        store.catalog.rebuild()
        learn(server)
        yield Both(server, store)


@pytest.mark.parametrize(("sort", "way", "archived"), [*product(SORTS, WAYS, (False, True))])
def test_pages_are_the_same_in_every_order(generated: Both, sort: str, way: str, archived: bool) -> None:
    """By each time, either way, live and archived threads."""
    question = Question(sort_key=sort, sort_direction=way, archived=archived)
    assert generated.ours(question) == generated.theirs(question)


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_kind_lets_the_same_threads_through(generated: Both, kind: str) -> None:
    """Each of them alone."""
    question = Question(source_kinds=(kind,))
    assert generated.ours(question) == generated.theirs(question)


def test_several_source_kinds_let_the_threads_of_each_through(generated: Both) -> None:
    """Not those of both at once, which there are none of."""
    question = Question(source_kinds=("exec", "subAgentReview"), sort_direction="asc")
    assert generated.ours(question) == generated.theirs(question)


@pytest.mark.parametrize(
    "term", ["parser", "PARSER", "the parser 7", "100%", "snake_case", "Über", "über", "_"]
)
def test_a_search_term_lets_the_same_threads_through(generated: Both, term: str) -> None:
    """A part of the first message, by its letters: cases differ, and no letter stands for others."""
    question = Question(search_term=term)
    assert generated.ours(question) == generated.theirs(question)


@pytest.mark.parametrize("folders", [("/src/app",), ("/src",), ("/src/app", "/src/lib"), ("/nowhere",)])
def test_a_folder_lets_the_same_threads_through(generated: Both, folders: tuple[str, ...]) -> None:
    """The very folder, not what is below it."""
    question = Question(cwd=folders)
    assert generated.ours(question) == generated.theirs(question)


@pytest.mark.parametrize("provider", ["openai", "other", "nobody"])
def test_a_provider_lets_the_same_threads_through(generated: Both, provider: str) -> None:
    """By its exact name."""
    question = Question(model_providers=(provider,))
    assert generated.ours(question) == generated.theirs(question)


@pytest.mark.parametrize("number", range(1, 11))
def test_spawned_threads_are_the_same(generated: Both, number: int) -> None:
    """Those that a thread spawned, and all that are below it."""
    for question in (
        Question(parent_thread_id=uuid(number)),
        Question(ancestor_thread_id=uuid(number)),
        Question(ancestor_thread_id=uuid(number), archived=True, sort_direction="asc"),
        Question(ancestor_thread_id=uuid(number), source_kinds=("cli",)),
    ):
        assert generated.ours(question) == generated.theirs(question)


@pytest.mark.parametrize(("sort", "way", "archived"), [*product(SORTS, WAYS, (False, True))])
def test_filters_hold_together(generated: Both, sort: str, way: str, archived: bool) -> None:
    """All of them at once, in every order."""
    question = Question(
        sort_key=sort,
        sort_direction=way,
        archived=archived,
        source_kinds=("cli", "exec"),
        search_term="a",
        cwd=("/src/app", "/src/lib"),
        model_providers=("openai",),
    )
    assert generated.ours(question) == generated.theirs(question)


@pytest.mark.parametrize(
    ("sort", "way", "archived"), [*product(("created_at", "updated_at"), WAYS, (False, True))]
)
def test_recorded_threads_stand_in_the_same_order(
    client: Client, recorded: Both, sort: str, way: str, archived: bool
) -> None:
    """A thread that the client shows once for each of its rollouts is one thread.

    An earlier release leaves out forks that were asked nothing of their own.
    """
    question = Question(sort_key=sort, sort_direction=way, archived=archived)
    theirs = flat(their_pages(recorded.server, question, limit=100))
    ours = flat(recorded.ours(question))
    if is_older(client, 0, 169):
        ours = [one for one in ours if was_asked(recorded.store, one)]
    assert ours == once(theirs)


@pytest.mark.parametrize("archived", [False, True])
def test_recorded_threads_are_all_listed_by_recency(recorded: Both, archived: bool) -> None:
    """The client has another notion of it where files told it of a thread; it lists none that we do not."""
    question = Question(sort_key="recency_at", archived=archived)
    assert set(flat(recorded.theirs(question))) <= set(flat(recorded.ours(question)))
