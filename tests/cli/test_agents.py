"""`rollout tree --agents` on a terminal: large trees in few aligned rows, and what is missing or closed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rollout.log.spawns import SpawnStatus
from rollout.store.root import open_store
from tests.builders import Rollout, thread, uuid
from tests.cli.conftest import Runner
from tests.cli.test_family import put


def agent(number: int, parent: int, **members: object) -> Rollout:
    """Return a thread that another one spawned, with a role."""
    made = thread(number, parent_thread_id=uuid(parent), agent_role="reader", **members)
    return made.turn(f"Read chapter {number}")


def wide(agents: int) -> list[Rollout]:
    """Return a thread that spawned so many others."""
    return [thread(1).turn("Read it"), *(agent(number + 2, 1) for number in range(agents))]


def deep(agents: int) -> list[Rollout]:
    """Return a thread and below it so many agents, each spawned by the one before."""
    return [thread(1).turn("Read it"), *(agent(number + 2, number + 1) for number in range(agents))]


def bushy(agents: int) -> list[Rollout]:
    """Return a tree in which every thread spawned up to three others."""
    return [thread(1).turn("Read it"), *(agent(number, (number + 1) // 3) for number in range(2, agents + 2))]


def close(home: Path, *numbers: int) -> None:
    """Close the edges to some agents of a home."""
    with open_store(home) as store:
        for number in numbers:
            store.agents.set_status(uuid(number), SpawnStatus.CLOSED)


def printed(
    call: Runner, monkeypatch: pytest.MonkeyPatch, home: Path, columns: int, *arguments: str
) -> list[str]:
    """Return the lines of a tree of agents on a terminal of that width."""
    monkeypatch.setenv("COLUMNS", str(columns))
    ran = call("--home", home, "tree", "--agents", *arguments)
    assert ran.status == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("columns", [80, 120, 160])
@pytest.mark.parametrize("shape", [wide, bushy])
def test_a_large_tree_fits_the_terminal(
    shape: type, columns: int, tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen or two of rows, none wider than the terminal, every agent counted in the last line."""
    home = put(tmp_path, *shape(200))
    lines = printed(rollout_command, monkeypatch, home, columns, uuid(150))
    assert len(lines) <= 55
    assert max(map(len, lines)) <= max(columns, 110)
    assert lines[-1].startswith("200 agents (200 open)")


@pytest.mark.parametrize("shape", [wide, bushy])
def test_no_agent_is_left_out_uncounted(
    shape: type, tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are folded and those below them add up to all that have no row."""
    home = put(tmp_path, *shape(200))
    lines = printed(rollout_command, monkeypatch, home, 120, uuid(150))[1:-1]
    shown = sum("…" not in line for line in lines)
    folded = sum(int(line.split("… ")[1].split()[0]) for line in lines if "… " in line)
    below = sum(int(line.split("[")[1].split()[0]) for line in lines if " below]" in line)
    assert shown + folded + below == 201


def test_a_deep_tree_is_shown_with_its_nearest_branches(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row each when asked for, none of them growing without end."""
    home = put(tmp_path, *deep(60))
    lines = printed(rollout_command, monkeypatch, home, 120, uuid(61), "--all")
    assert len(lines) == 63
    assert max(map(len, lines)) <= 130


def test_everything_is_shown_when_asked_for(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row an agent."""
    assert len(printed(rollout_command, monkeypatch, put(tmp_path, *wide(200)), 120, uuid(1), "--all")) == 203


def test_columns_are_aligned(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every title begins below its head."""
    head, *rows, _ = printed(rollout_command, monkeypatch, put(tmp_path, *wide(20)), 140, uuid(5))
    at = head.index("TITLE")
    assert all(row[at - 1] == " " and row[at] != " " for row in rows)


def test_the_asked_thread_is_marked(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its siblings are folded."""
    lines = printed(rollout_command, monkeypatch, put(tmp_path, *wide(200)), 120, uuid(150))
    (marked,) = [line for line in lines if line[0] == ">"]
    assert "Read chapter 150" in marked


def test_open_agents_are_shown_before_closed_ones(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many siblings those that come back are of more interest."""
    home = put(tmp_path, *wide(100))
    close(home, *range(2, 100))
    lines = printed(rollout_command, monkeypatch, home, 120, uuid(1))
    assert sum("chapter 100" in line or "chapter 101" in line for line in lines) == 2


def test_an_address_stands_for_an_agent(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its role; an agent without one is told by its nickname."""
    home = put(
        tmp_path,
        thread(1).turn("Read it"),
        agent(2, 1, agent_path="/root/reader_1", agent_nickname="Ada"),
        agent(3, 1, agent_nickname="Bob"),
    )
    _, _, one, two, _ = printed(rollout_command, monkeypatch, home, 120, uuid(1))
    assert "  /root/reader_1 (reader)  " in one
    assert "  Bob (reader)             " in two


def test_a_missing_parent_is_shown(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its agent's header tells of it."""
    _, parent, child, _ = printed(rollout_command, monkeypatch, put(tmp_path, agent(2, 1)), 160, uuid(2))
    assert parent.endswith("[missing] (no rollout in this home is its own)")
    assert child.endswith("Read chapter 2")


def test_json_has_every_agent(tmp_path: Path, rollout_command: Runner) -> None:
    """However few of them the text shows."""
    home = put(tmp_path, *wide(200))
    close(home, 3)
    found = json.loads(rollout_command("--home", home, "tree", "--agents", uuid(9), "--json").stdout)
    assert (found["threadId"], found["parents"], found["children"]) == (uuid(9), [uuid(1)], [])
    assert [one["status"] for one in found["data"][:3]] == [None, "open", "closed"]
    assert len(found["data"]) == 201


def test_an_unknown_thread_is_not_found(tmp_path: Path, rollout_command: Runner) -> None:
    """As in every command."""
    ran = rollout_command("--home", put(tmp_path, thread(1)), "tree", "--agents", uuid(9))
    assert (ran.status, ran.stdout) == (3, "")
