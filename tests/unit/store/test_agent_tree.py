"""The tree that a thread belongs to: whose members are told with what, in which order."""

from __future__ import annotations

import pytest

from rollout.errors import NotFound
from rollout.ids import ThreadId
from rollout.log.spawns import SpawnStatus
from rollout.store.agent_tree import AgentTree, agent_tree_of
from rollout.store.headers import AgentLabel
from rollout.store.root import open_store
from tests.builders import ARCHIVE, HOME, Home, Rollout, home, thread, uuid

P, C, G, S = (ThreadId(uuid(number)) for number in (1, 2, 3, 4))


def agent(number: int, parent: int, **members: object) -> Rollout:
    """Return a thread that another one spawned."""
    return thread(number, parent_thread_id=uuid(parent), **members).turn(f"Task {number}")


def tree(made: Home, number: int = 1) -> AgentTree:
    """Return the tree of a thread of a home."""
    with open_store(HOME, fs=made.fs) as store:
        return agent_tree_of(store, uuid(number))


def test_every_agent_stands_behind_its_parent() -> None:
    """And its own agents right behind it."""
    made = home(thread(1).turn("a"), agent(2, 1), agent(4, 1), agent(3, 2))
    assert [(one.id, one.depth) for one in tree(made).members] == [(P, 0), (C, 1), (G, 2), (S, 1)]


def test_the_tree_is_the_same_from_each_of_its_threads() -> None:
    """It is the root's."""
    made = home(thread(1).turn("a"), agent(2, 1), agent(3, 2))
    assert tree(made, 3).members == tree(made, 1).members


def test_a_thread_without_agents_is_a_tree() -> None:
    """Of itself."""
    assert [one.id for one in tree(home(thread(1).turn("a"), thread(2).turn("b"))).members] == [P]


def test_a_missing_parent_is_a_member() -> None:
    """Its agent's header tells of it."""
    (root, child) = tree(home(agent(2, 1)), 2).members
    assert (root.id, root.is_missing, child.parent_id) == (P, True, P)


def test_an_unknown_thread_is_not_found() -> None:
    """Neither a rollout nor an edge tells of it."""
    with pytest.raises(NotFound, match="no rollout in /home belongs to it"):
        tree(home(thread(1)), 9)


def test_a_member_is_told_with_what_its_header_calls_it() -> None:
    """In its own members, or in those of its source."""
    spawn = {"parent_thread_id": uuid(1), "agent_nickname": "Bob", "agent_path": "/root/b"}
    made = home(
        thread(1).turn("a"),
        agent(2, 1, agent_nickname="Ada", agent_role="reader"),
        thread(3, source={"subagent": {"thread_spawn": spawn}}).turn("b"),
    )
    labels = [one.label for one in tree(made).members]
    assert labels == [AgentLabel(), AgentLabel("Ada", "reader"), AgentLabel("Bob", None, "/root/b")]


def test_a_member_is_told_with_its_first_words() -> None:
    """And whether it lies in the archive."""
    made = home(thread(1).turn("Begin"))
    made.put(agent(2, 1), folder=ARCHIVE)
    assert [(one.first_words, one.is_archived) for one in tree(made).members] == [
        ("Begin", False),
        ("Task 2", True),
    ]


def test_the_root_has_no_status() -> None:
    """Nobody spawned it."""
    found = tree(home(thread(1).turn("a"), agent(2, 1)))
    assert [one.status for one in found.members] == [None, SpawnStatus.OPEN]


def test_a_member_that_cannot_be_read_says_why() -> None:
    """What it spawned is told all the same."""
    made = home(thread(1).turn("a"), agent(3, 2))
    made.put(thread(2, id=uuid(8)))
    found = tree(made, 3)
    assert [one.problem is None for one in found.members] == [False, True]


def test_a_cycle_is_shown_once() -> None:
    """Two headers that name each other are damage, and are told."""
    made = home(agent(1, 2), agent(2, 1))
    assert [one.id for one in tree(made, 1).members] == [C, P]
