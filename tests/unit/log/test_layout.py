"""File names: which name a rollout, and what they say of it."""

from __future__ import annotations

import pytest

from rollout.log.layout import base_name, find_name, join
from tests.unit.made_lines import OTHER, THREAD

STAMP = "2026-11-21T04-09-33"


@pytest.mark.parametrize(("suffix", "is_compressed"), [(".jsonl", False), (".jsonl.zst", True)])
def test_a_thread_names_its_own_rollout(suffix: str, is_compressed: bool) -> None:
    """Without a second id the rollout id equals the thread id."""
    name = find_name(f"rollout-{STAMP}-{THREAD}{suffix}")
    assert name is not None
    assert (name.stamp, name.thread_id, name.rollout_id) == (STAMP, THREAD, THREAD)
    assert name.is_compressed is is_compressed


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.zst"])
def test_a_reverted_thread_has_a_rollout_id_of_its_own(suffix: str) -> None:
    """It stands behind an underscore."""
    name = find_name(f"rollout-{STAMP}-{THREAD}_{OTHER}{suffix}")
    assert name is not None
    assert (name.stamp, name.thread_id, name.rollout_id) == (STAMP, THREAD, OTHER)


@pytest.mark.parametrize("stamp", ["", "nonsense", "2026", "2026-11-21T04:09:33", "a-b-c", "x_y", "é"])
def test_a_nonsense_stamp_is_tolerated(stamp: str) -> None:
    """Only the ids identify."""
    name = find_name(f"rollout-{stamp}-{THREAD}.jsonl")
    assert name is not None
    assert (name.stamp, name.thread_id) == (stamp, THREAD)


def test_ids_in_names_are_read_in_any_case() -> None:
    """One spelling inside, whatever stands on disk."""
    name = find_name(f"rollout-{STAMP}-{THREAD.upper()}_{OTHER.upper()}.jsonl")
    assert name is not None
    assert (name.thread_id, name.rollout_id) == (THREAD, OTHER)


@pytest.mark.parametrize(
    "file_name",
    [
        "",
        "rollout-",
        f"{THREAD}.jsonl",
        f"rollout-{THREAD}.jsonl",
        f"rollout-{STAMP}-{THREAD}",
        f"rollout-{STAMP}-{THREAD}.json",
        f"rollout-{STAMP}-{THREAD}.jsonl.gz",
        f"rollout-{STAMP}-{THREAD}.jsonl.zst.tmp",
        f"rollout-{STAMP}-{THREAD}.zst",
        f".rollout-{STAMP}-{THREAD}.jsonl",
        f"Rollout-{STAMP}-{THREAD}.jsonl",
        f"rollout-{STAMP}{THREAD}.jsonl",
        f"rollout-{STAMP}-{THREAD[:-1]}.jsonl",
        f"rollout-{STAMP}-{THREAD}_.jsonl",
        f"rollout-{STAMP}-{THREAD}_{OTHER[:-1]}.jsonl",
        f"rollout-{STAMP}-{THREAD}_not-an-id-of-thirty-six-characters00.jsonl",
        f"rollout-{STAMP}-{THREAD}-{OTHER}x.jsonl",
        f"rollout-{THREAD}_{OTHER}.jsonl",
    ],
)
def test_other_names_are_no_rollouts(file_name: str) -> None:
    """Prefix, ids and suffix must all be there."""
    assert find_name(file_name) is None


@pytest.mark.parametrize("folder", ["/home", "/home/"])
def test_a_path_has_one_separator(folder: str) -> None:
    """Wherever the folder's own text ends."""
    assert join(folder, "name") == "/home/name"


@pytest.mark.parametrize("path", ["/a/b/name", "b/name", "name"])
def test_the_last_part_of_a_path_is_its_name(path: str) -> None:
    """With or without folders before it."""
    assert base_name(path) == "name"
