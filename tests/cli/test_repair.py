"""`rollout repair`: plans, statuses, and homes that stay as they are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.ids import ThreadId
from rollout.log.lease import take_lease
from tests.cli.conftest import RECORDED, Feed, Runner, bytes_of, error_of

TORN = b'{"torn'
OTHER = "rollout-2025-11-21T04-00-00-01a1fc4b-0000-7000-8000-000000000001.jsonl"


@pytest.fixture
def torn(home: Path, thread_id: str) -> Path:
    """The log of the thread, with a torn tail."""
    path = next(home.rglob(f"*{thread_id}.jsonl"))
    with path.open("ab") as log:
        log.write(TORN)
    return path


def answer_of(home: Path, feed: Feed, *options: str) -> Any:
    """Return the answer of a repair as JSON."""
    return json.loads(feed(b"", "--home", home, "repair", *options, "--json").stdout)


@pytest.mark.parametrize("name", sorted(path.name for path in RECORDED.iterdir() if path.is_dir()))
def test_recorded_homes_stay_as_they_are(
    name: str, home_of: Callable[[str], Path], rollout_command: Runner
) -> None:
    """The reference client left nothing to mend: to the byte, not even a lock is new."""
    home = home_of(name)
    before = bytes_of(home)
    ran = rollout_command("--home", home, "repair")
    assert (ran.status, ran.stdout) == (0, "nothing to mend\n")
    assert bytes_of(home) == before


def test_a_dry_run_prints_the_plan_and_changes_nothing(home: Path, torn: Path, feed: Feed) -> None:
    """The same plan that is then acted on."""
    before = bytes_of(home)
    start, end = torn.stat().st_size - len(TORN), torn.stat().st_size
    planned = feed(b"", "--home", home, "repair", "--dry-run")
    assert planned.stdout == (
        f"{torn}\n  mend  bytes {start}-{end}  a last line cut short: to quarantine\n1 thing to mend\n"
    )
    assert bytes_of(home) == before
    acted = feed(b"", "--home", home, "repair")
    assert acted.stdout == planned.stdout.replace("1 thing to mend", "1 thing mended")


def test_a_torn_tail_is_kept(home: Path, torn: Path, feed: Feed) -> None:
    """The answer says where; the log ends before it; a second repair finds nothing."""
    before = torn.read_bytes()
    (step,) = answer_of(home, feed)["steps"]
    assert (step["kind"], step["applied"], step["problem"]) == ("tornTail", True, None)
    assert Path(step["quarantine"]).read_bytes() == TORN
    assert torn.read_bytes() == before.removesuffix(TORN)
    assert answer_of(home, feed)["steps"] == []


def test_a_planned_step_is_not_said_to_be_done(home: Path, torn: Path, feed: Feed) -> None:
    """With --dry-run, `applied` is false and nothing lies in quarantine."""
    (step,) = answer_of(home, feed, "--dry-run")["steps"]
    assert (step["applied"], step["quarantine"], step["problem"]) == (False, None, None)


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_damage_before_the_end_stays(options: list[str], home: Path, torn: Path, feed: Feed) -> None:
    """Status 5, its span, and not a byte of it is changed."""
    damaged = torn.read_bytes().removesuffix(TORN).replace(b'{"timestamp"', b'{"half\n{"timestamp"', 1)
    torn.write_bytes(damaged)
    ran = feed(b"", "--home", home, "repair", *options, "--json")
    assert ran.status == 5
    assert [one["reason"] for one in json.loads(ran.stdout)["damage"]][:1] == ["notJson"]
    assert torn.read_bytes() == damaged


def test_a_file_that_is_no_thread_stays(home: Path, torn: Path, feed: Feed) -> None:
    """Status 5, and why; the other file is repaired."""
    junk = torn.with_name(OTHER)
    junk.write_bytes(b"junk")
    ran = feed(b"", "--home", home, "repair", "--json")
    answer = json.loads(ran.stdout)
    assert ran.status == 5
    assert [one["path"] for one in answer["unreadable"]] == [str(junk)]
    assert [one["applied"] for one in answer["steps"]] == [True]
    assert junk.read_bytes() == b"junk"


def test_old_drafts_are_kept_apart(home: Path, torn: Path, feed: Feed) -> None:
    """One that a crash left goes to quarantine; one of just now may be somebody's who is at work."""
    old, new = torn.with_suffix(".jsonl.draft"), torn.with_name(f"{OTHER}.draft")
    for draft in (old, new):
        draft.write_bytes(b"half")
    os.utime(old, (1, 1))
    steps = {step["path"]: step for step in answer_of(home, feed)["steps"]}
    assert Path(steps[str(old)]["quarantine"]).read_bytes() == b"half"
    assert (old.exists(), new.exists(), str(new) in steps) == (False, True, False)


def test_a_home_with_a_thread_in_use_is_repaired_around_it(
    home: Path, thread_id: str, torn: Path, feed: Feed
) -> None:
    """Status 4, and the step tells why; what can be mended is."""
    before = torn.read_bytes()
    with take_lease(POSIX_MUTABLE, str(home), ThreadId(thread_id), clock=lambda: 0, pid=1):
        ran = feed(b"", "--home", home, "repair", "--json")
    (step,) = json.loads(ran.stdout)["steps"]
    assert (ran.status, step["applied"], step["problem"]["code"]) == (4, False, "conflict")
    assert torn.read_bytes() == before


@pytest.mark.parametrize("named", ["id", "path", "--last"])
def test_one_thread_is_repaired_by_whatever_names_it(
    named: str, home: Path, thread_id: str, torn: Path, feed: Feed
) -> None:
    """Id, path and --last, as everywhere."""
    reference = {"id": thread_id, "path": str(torn), "--last": "--last"}[named]
    assert [step["applied"] for step in answer_of(home, feed, reference)["steps"]] == [True]


def test_a_thread_that_cannot_be_read_can_be_named(
    home: Path, thread_id: str, torn: Path, feed: Feed
) -> None:
    """Its header is damaged: that is told, and nothing is done."""
    torn.write_bytes(b"x" + torn.read_bytes())
    before = bytes_of(home)
    ran = feed(b"", "--home", home, "repair", thread_id, "--json")
    assert (ran.status, len(json.loads(ran.stdout)["unreadable"])) == (5, 1)
    assert bytes_of(home) == before


def test_thread_and_last_exclude_each_other(home: Path, thread_id: str, feed: Feed) -> None:
    """Naming two threads is a mistake."""
    ran = feed(b"", "--home", home, "repair", thread_id, "--last", "--json")
    assert (ran.status, error_of(ran)["code"]) == (2, "request.invalid")
