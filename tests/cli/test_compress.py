"""Compress and decompress from the command line, on one home, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollout.store.root import open_store
from tests.cli.conftest import Runner, bytes_of, error_of

THREAD = "01a1fc4a-eed9-7372-ad87-67b51b152b80"
OTHER = "01a1fc4a-ed31-7dd2-9f8f-1ce800c09507"
HomeOf = Callable[[str], Path]


def answer(run: Runner, *arguments: object, status: int = 0) -> Any:
    """Return the JSON that a command prints."""
    ran = run(*arguments, "--json")
    assert ran.status == status, ran.stderr
    return json.loads(ran.stdout)


def logs_of(home: Path, thread_id: str) -> list[str]:
    """Return the names of a thread's files."""
    return [path.name for path in home.rglob(f"*{thread_id}*") if path.name.startswith("rollout-")]


def test_a_thread_that_is_named_is_compressed_whatever_its_age(
    home_of: HomeOf, rollout_command: Runner
) -> None:
    """Others are left; what is printed of it is the same as before."""
    home = home_of("paginated")
    before = rollout_command("--home", home, "turns", THREAD, "--items", "full").stdout
    found = answer(rollout_command, "--home", home, "compress", THREAD)
    (file,) = found["files"]
    assert (file["threadId"], file["outcome"], file["problem"]) == (THREAD, "compressed", None)
    assert found["bytesBefore"] == file["sizeBytes"] > found["bytesAfter"] == file["compressedBytes"]
    assert [name.endswith(".jsonl.zst") for name in logs_of(home, THREAD)] == [True]
    assert [name.endswith(".jsonl.zst") for name in logs_of(home, OTHER)] == [False]
    assert rollout_command("--home", home, "turns", THREAD, "--items", "full").stdout == before


def test_a_whole_home_is_compressed_as_far_as_it_is_old(home_of: HomeOf, rollout_command: Runner) -> None:
    """Its files changed in November 2026; an age may be so large that none is old enough."""
    home = home_of("paginated")
    assert answer(rollout_command, "--home", home, "compress", "--older-than", "99999d")["files"] == []
    found = answer(rollout_command, "--home", home, "compress", "--older-than", "0", "--workers", "4")
    assert {file["outcome"] for file in found["files"]} == {"compressed"}
    left = [path for path in home.rglob("rollout-*.jsonl") if path.stat().st_size >= 4096]
    assert left == []


def test_a_thread_is_made_plain_again(home_of: HomeOf, rollout_command: Runner) -> None:
    """To the byte, and a second time there is nothing to do."""
    home = home_of("paginated")
    before = {name: content for name, content in bytes_of(home).items() if "rollout-" in name}
    answer(rollout_command, "--home", home, "compress", THREAD)
    found = answer(rollout_command, "--home", home, "decompress", THREAD)
    assert found["threadId"] == THREAD
    assert [Path(path).exists() for path in found["paths"]] == [True]
    assert {name: content for name, content in bytes_of(home).items() if "rollout-" in name} == before
    ran = rollout_command("--home", home, "decompress", THREAD)
    assert ran.stdout == f"thread {THREAD} is not compressed\n"


def test_a_dry_run_changes_nothing(home_of: HomeOf, rollout_command: Runner) -> None:
    """And says what would be saved."""
    home = home_of("paginated")
    before = {name: content for name, content in bytes_of(home).items() if "rollout-" in name}
    found = answer(rollout_command, "--home", home, "compress", THREAD, "--dry-run")
    assert [file["outcome"] for file in found["files"]] == ["planned"]
    assert {name: content for name, content in bytes_of(home).items() if "rollout-" in name} == before


def test_a_thread_that_somebody_has_open_is_skipped(home_of: HomeOf, rollout_command: Runner) -> None:
    """Status 4 if it was named, and 0 among others."""
    home = home_of("paginated")
    with open_store(home) as store, store.record(THREAD):
        found = answer(rollout_command, "--home", home, "compress", THREAD, status=4)
        assert [file["outcome"] for file in found["files"]] == ["skipped"]
        found = answer(rollout_command, "--home", home, "compress", "--older-than", "0")
        skipped = [file["threadId"] for file in found["files"] if file["outcome"] == "skipped"]
        assert skipped == [THREAD]


def test_a_thread_that_cannot_be_unpacked_stays_compressed(home_of: HomeOf, rollout_command: Runner) -> None:
    """Status 5."""
    home = home_of("paginated")
    answer(rollout_command, "--home", home, "compress", THREAD)
    path = next(home.rglob(f"*{THREAD}.jsonl.zst"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)
    ran = rollout_command("--home", home, "decompress", THREAD, "--json")
    assert (ran.status, error_of(ran)["code"]) == (5, "log.damaged")
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("option", "value"),
    [("--older-than", "3x"), ("--min-size", "64q"), ("--level", "20"), ("--workers", "0")],
)
def test_a_policy_that_means_nothing_is_refused(
    home_of: HomeOf, rollout_command: Runner, option: str, value: str
) -> None:
    """Status 2, and the option is named."""
    ran = rollout_command("--home", home_of("paginated"), "compress", option, value, "--json")
    assert ran.status == 2
    assert option in error_of(ran)["message"]
