"""New threads: what their first rollout says, and that it is there, whole, when its maker returns."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.errors import Conflict, InvalidRequest
from rollout.store.root import open_store
from rollout.testing.crashfs import CrashFS
from tests.recorded_home import HOME, START_MS, content_of, lines_of, new_home, new_thread, rollouts_of


def test_a_new_thread_is_a_paginated_rollout() -> None:
    """Its header, and the settings it begins with; a resume of it is empty."""
    fs, store = new_home()
    with store.create_thread(cwd="/src/app", model="model-a", base_instructions="Be brief.") as thread:
        thread_id = thread.id
        assert thread.all_turns() == []
        assert thread.context().items == []
    header, applied = lines_of(content_of(fs, thread_id))
    assert (header["ordinal"], header["type"], applied["ordinal"]) == (0, "session_meta", 1)
    said = header["payload"]
    assert (said["id"], said["session_id"], said["history_mode"]) == (thread_id, thread_id, "paginated")
    assert (said["cwd"], said["source"], said["base_instructions"]) == (
        "/src/app",
        "cli",
        {"text": "Be brief."},
    )
    assert applied["payload"]["thread_settings"]["model"] == "model-a"


def test_it_is_listed_with_the_settings_it_begins_with() -> None:
    """No turn has said them yet; the record behind the header has."""
    _, store = new_home()
    with store.create_thread(cwd="/src/app", model="model-a") as thread:
        summary = thread.summary()
    assert (summary.model, summary.cwd, summary.reasoning_effort) == ("model-a", "/src/app", None)


def test_its_name_says_when_and_which() -> None:
    """In a folder of its day, where every client looks."""
    fs = CrashFS(folders=[HOME])
    store = open_store(HOME, fs=fs, clock=lambda: START_MS)
    thread_id = new_thread(store)
    day = f"{HOME}/sessions/2026/11/21"
    assert rollouts_of(fs, thread_id) == [f"{day}/rollout-2026-11-21T00-00-00-{thread_id}.jsonl"]


@pytest.mark.parametrize("name", ["cwd", "model", "model_provider"])
@pytest.mark.parametrize("value", ["", "\ud800"])
def test_a_thread_without_its_settings_is_not_made(name: str, value: str) -> None:
    """Nothing is made of what cannot be stored and read back."""
    fs, store = new_home()
    given: dict[str, Any] = {"cwd": "/src/app", "model": "model-a"}
    with pytest.raises(InvalidRequest):
        store.create_thread(**(given | {name: value}))
    assert fs.files() == {}


def test_an_id_that_is_taken_replaces_nothing() -> None:
    """However it came about: bytes that are there never change."""
    fs = CrashFS(folders=[HOME])
    taken = "01a1fc4b-0000-7000-8000-0000000000aa"
    store = open_store(HOME, fs=fs, clock=lambda: START_MS, new_id=lambda: taken)
    new_thread(store)
    before = fs.files()
    with pytest.raises(Conflict, match="there is a file of that name"):
        new_thread(store)
    assert fs.files() == before


def test_folders_that_another_client_made_are_synced() -> None:
    """A durable name in a folder that is lost is lost."""
    fs, store = new_home()
    new_thread(store)
    before = len(list(fs.cuts()))
    new_thread(store)
    done = [cut.operation for cut in fs.cuts()][before:]
    for folder in ("/sessions/2026/11/21", "/sessions/2026/11", "/sessions/2026", "/sessions", ""):
        assert f"after syncing the folder {HOME}{folder}" in done


def test_nothing_else_is_left() -> None:
    """No draft, no lock."""
    fs, store = new_home()
    thread_id = new_thread(store)
    assert list(fs.files()) == rollouts_of(fs, thread_id)
