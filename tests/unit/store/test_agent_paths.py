"""Addresses of agents: names, absolute and relative paths, and what is refused."""

from __future__ import annotations

import pytest

from rollout.errors import InvalidRequest
from rollout.store.agent_paths import ROOT, AgentPath, parse_agent_path, resolve_agent_path

AGENT = AgentPath("/root/agent_1")


def test_the_root_is_named_root() -> None:
    """It is an address like any other."""
    assert parse_agent_path("/root") == ROOT


def test_an_absolute_address_means_itself() -> None:
    """Whoever asks."""
    assert resolve_agent_path(AGENT, "/root/other") == "/root/other"


@pytest.mark.parametrize("address", ["reader", "reader/helper_3"])
def test_a_relative_address_is_below_the_caller(address: str) -> None:
    """One name or several."""
    assert resolve_agent_path(AGENT, address) == f"/root/agent_1/{address}"


@pytest.mark.parametrize("name", ["BadName", "root", ".", "..", "a b", "a-b", "é", "ä1", "\uff11", "a\n"])
def test_a_bad_name_is_no_part_of_an_address(name: str) -> None:
    """Small letters, digits and underscores of ASCII are all there is, and `root` is taken."""
    with pytest.raises(InvalidRequest, match="reading an agent's address"):
        resolve_agent_path(ROOT, name)


@pytest.mark.parametrize(
    "address",
    ["/", "/other", "/other/agent_1", "/root/", "/root//a", "/root/a/", "/root/../a", "/root/A", "/rootless"],
)
def test_a_bad_absolute_address_is_refused(address: str) -> None:
    """It begins at the root, and each of its names is one."""
    with pytest.raises(InvalidRequest, match="reading an agent's address"):
        resolve_agent_path(AGENT, address)


@pytest.mark.parametrize("address", ["", "../sibling", "..", ".", "a/../b", "a/", "root", "a//b", "BadName"])
def test_a_bad_relative_address_is_refused(address: str) -> None:
    """`..` above all: a sibling takes its absolute address."""
    with pytest.raises(InvalidRequest, match="reading an agent's address"):
        resolve_agent_path(AGENT, address)


def test_a_relative_address_is_no_absolute_one() -> None:
    """Where nobody asks, there is nothing to stand below."""
    with pytest.raises(InvalidRequest, match="an absolute path"):
        parse_agent_path("agent_1")
