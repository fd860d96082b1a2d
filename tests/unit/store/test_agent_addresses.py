"""Agents found by their addresses: absolute from anywhere in a tree, relative below the caller."""

from __future__ import annotations

import pytest

from rollout.errors import InvalidRequest, NotFound
from rollout.ids import ThreadId
from rollout.store.agents import Agents
from tests.builders import thread, uuid
from tests.unit.store.agent_homes import addressed, agent, store_of

P, C, G, S = (ThreadId(uuid(number)) for number in (1, 2, 3, 4))


def tree_of_addresses() -> Agents:
    """Return agents of a root: a, a/b and c."""
    return Agents(
        store_of(
            thread(1).turn("a"),
            addressed(2, 1, "/root/a"),
            addressed(3, 2, "/root/a/b"),
            addressed(4, 1, "/root/c"),
        )
    )


@pytest.mark.parametrize(
    ("caller", "address", "expected"),
    [
        (P, "a", C),
        (P, "a/b", G),
        (C, "b", G),
        (C, "c", None),
        (C, "/root/c", S),
        (G, "/root", P),
        (P, "/root/a/b", G),
        (P, "nobody", None),
    ],
)
def test_an_address_names_an_agent(caller: ThreadId, address: str, expected: ThreadId | None) -> None:
    """Absolute from anywhere in the tree, relative below the caller alone."""
    assert tree_of_addresses().find(caller, address) == expected


def test_an_address_that_several_have_is_refused() -> None:
    """Nobody is guessed."""
    store = store_of(thread(1).turn("a"), addressed(2, 1, "/root/a"), addressed(3, 1, "/root/a"))
    with pytest.raises(InvalidRequest, match="multiple agents"):
        Agents(store).find(P, "a")


def test_a_caller_without_an_address_has_no_relative_ones() -> None:
    """It may name absolute ones."""
    agents = Agents(store_of(thread(1).turn("a"), agent(2, 1), addressed(3, 1, "/root/a")))
    assert agents.find(C, "/root/a") == G
    with pytest.raises(NotFound, match="has no address of its own"):
        agents.find(C, "a")
