"""Copies of what we recorded: sealed as it was, and verified before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import fork
import rollout
from fork.flatten import flatten_thread
from rollout.errors import DamagedLog
from rollout.format.seals import find_seal
from rollout.replay import context
from rollout.store.store import Store
from tests.builders import thread, uuid

ASKED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Name a colour."}]}
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Blue."}]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store over an empty home."""
    (tmp_path / "sessions").mkdir()
    with rollout.open_store(tmp_path) as opened:
        yield opened


def family(store: Store, turns: int = 3) -> str:
    """Record a thread, fork it, go on in the fork; return the fork."""
    parent = store.create_thread(cwd="/src", model="model-one")
    parent.close()
    for _ in range(turns):
        store.append_turn(parent.id, [ASKED, SAID])
    child = fork.fork_thread(store, parent.id, exclude_turns=True).id
    store.append_turn(child, [ASKED, SAID])
    return child


def seals_in(path: str) -> list[tuple[int, int]]:
    """Return what the seals of a file cover."""
    found, at = [], 0
    for line in Path(path).read_bytes().splitlines(keepends=True):
        seal = find_seal(line, at)
        if seal is not None:
            found.append((seal.covered_from, seal.covered_to))
        at += len(line)
    return found


def test_every_end_of_a_turn_is_sealed_again(store: Store) -> None:
    """In one chain, from the beginning of the file, and all of it holds."""
    child = family(store)
    path = flatten_thread(store, child).path
    seals = seals_in(path)
    assert len(seals) == 4
    assert [start for start, _ in seals] == [0, *(end for _, end in seals[:-1])]
    with store.open_thread(child) as opened:
        assert opened.broken_seals() == []
        (checked,) = store.check(opened.files())
    assert checked.is_sound
    assert checked.passed_over == {}


def test_the_next_turn_goes_on_with_the_chain(store: Store) -> None:
    """As behind anything that we wrote."""
    child = family(store)
    path = flatten_thread(store, child).path
    store.append_turn(child, [ASKED, SAID])
    seals = seals_in(path)
    assert seals[-1][0] == seals[-2][1]
    with store.open_thread(child) as opened:
        assert opened.broken_seals() == []


@pytest.mark.parametrize("place", [0, 1])
def test_what_was_altered_is_not_copied(store: Store, place: int) -> None:
    """In the parent or in the thread itself: nothing is made of it."""
    child = family(store)
    with store.open_thread(child) as opened:
        altered = Path(opened.files()[place].path)
    content = altered.read_bytes()
    at = content.index(b"Blue.")
    altered.write_bytes(content[:at] + b"Grey." + content[at + 5 :])
    before = sorted(altered.parent.iterdir())
    with pytest.raises(DamagedLog):
        flatten_thread(store, child)
    assert sorted(altered.parent.iterdir()) == before


def test_an_altered_seal_is_no_seal(store: Store) -> None:
    """A letter of its own counts as one of what it covers."""
    child = family(store)
    with store.open_thread(child) as opened:
        altered = Path(opened.files()[-1].path)
    content = altered.read_bytes()
    altered.write_bytes(content[:-5] + (b"A" if content[-5:-4] != b"A" else b"B") + content[-4:])
    with pytest.raises(DamagedLog, match="seal"):
        flatten_thread(store, child)


def long_family(store: Store) -> str:
    """Record a thread that is given checkpoints, and fork it."""
    parent = store.create_thread(cwd="/src", model="model-one")
    long = {**SAID, "content": [{"type": "output_text", "text": "x" * 20_000}]}
    with parent.record() as recorder:
        for _ in range(40):
            with recorder.turn("Again.") as turn:
                turn.append(long)
    parent.close()
    return fork.fork_thread(store, parent.id, exclude_turns=True).id


def test_a_checkpoint_of_another_file_is_left_out_and_one_of_its_own_written(store: Store) -> None:
    """A resume reads no more than it did."""
    child = long_family(store)
    before = store.resume(child)
    path = flatten_thread(store, child).path
    after = store.resume(child)
    assert Path(path).read_bytes().count(b'"type":"checkpoint"') == 1
    assert after.read.path == before.read.path == "bounded"
    assert "a checkpoint stands for all earlier records" in after.read.reason
    assert after.input_json() == before.input_json()
    full = store.resume(child, full_replay=True)
    assert full.input_json() == before.input_json()


def test_what_was_altered_long_before_the_base_is_not_copied(store: Store) -> None:
    """No anchor covers it, but a seal does."""
    child = long_family(store)
    with store.open_thread(child) as opened:
        altered = Path(opened.files()[0].path)
    altered.write_bytes(altered.read_bytes().replace(b"xxxx", b"xxyx", 1))
    with pytest.raises(DamagedLog, match="seal"):
        flatten_thread(store, child)


def test_a_flat_thread_of_another_client_keeps_its_sidecar(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its resume is as short as it was."""
    monkeypatch.setattr(context, "OFFERED_FROM_BYTES", 45_000)
    parent = thread(1)
    for number in range(40):
        parent.turn(f"{number}").event("warning", message="x" * 9_000)
    child = parent.fork(2)
    folder = Path(store.home) / "sessions" / "2026" / "11" / "21"
    folder.mkdir(parents=True)
    for one in (parent, child):
        (folder / one.name()).write_bytes(one.content)
    store.resume(uuid(1))
    before = store.resume(uuid(2))
    assert before.read.path == "sidecar"
    flatten_thread(store, uuid(2))
    after = store.resume(uuid(2))
    assert after.read.path == "sidecar"
    assert after.input_json() == before.input_json()


def test_progress_is_told(store: Store) -> None:
    """Up to all that was written."""
    child = long_family(store)
    told: list[tuple[int, int]] = []
    made = flatten_thread(store, child, report=lambda total, written: told.append((total, written)))
    assert told[-1][1] == made.bytes_written
    assert [written for _, written in told] == sorted(written for _, written in told)
    assert {total for total, _ in told} == {told[0][0]}
