"""Recorded threads of every kind: one altered byte in a sealed range is found by whoever reads it.

The world says where the seals are (by their spelling); the readers of the product have to agree.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from rollout.errors import DamagedLog
from rollout.format.record import Damage, Reason
from rollout.store.root import Store
from rollout.turns.paging import SortDirection
from tests.altered import Sealed, altered, seals_in, store_of
from tests.recorded_home import (
    LEGACY_ID,
    asked,
    content_of,
    legacy_home,
    new_home,
    new_thread,
    rollouts_of,
    said,
    settled,
)
from tests.unit.made_lines import event

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30) | st.sampled_from(
    ['"', "\\", '"},"seal":"0.', "event_msg task_complete", "\n", "x" * 300]
)


class Act(Struct, frozen=True):
    """Something recorded: a turn, a compaction of what came before, or a checkpoint of it."""

    kind: str
    texts: list[str]


ACTS = st.builds(
    Act,
    st.sampled_from(["turn", "turn", "fail", "interrupt", "compact", "checkpoint"]),
    st.lists(TEXTS, max_size=3),
)


class World(Struct, frozen=True):
    """A home after recording: its files, the thread's rollout, its seals, and the turn that each ends."""

    files: dict[str, bytes]
    thread_id: str
    path: str
    seals: list[Sealed]
    turn_ids: list[str]

    @property
    def content(self) -> bytes:
        return self.files[self.path]


def record(store: Store, thread_id: str, acts: list[Act]) -> None:
    """Record all acts."""
    with store.record(thread_id) as recorder:
        for act in acts:
            if act.kind == "compact":
                recorder.compact([said("user", text) for text in act.texts])
                continue
            if act.kind == "checkpoint":
                recorder.checkpoint()
                continue
            turn = recorder.turn(act.texts[0] if act.texts else None)
            for text in act.texts[1:]:
                turn.append(said("assistant", text))
            if act.kind == "fail":
                turn.fail("it failed")
            elif act.kind == "interrupt":
                turn.interrupt()
            else:
                turn.complete()


def world_of(acts: list[Act], *, is_legacy: bool, tail: bytes = b"") -> World:
    """Return the home in which a thread of ours, or a taken over one, was recorded."""
    if is_legacy:
        fs, store = legacy_home(settled(), asked("theirs"), event("user_message", message="theirs"))
        thread_id = LEGACY_ID
    else:
        fs, store = new_home()
        thread_id = new_thread(store)
    record(store, thread_id, [Act("turn", ["Hello?"]), *acts])
    with store.open_thread(thread_id) as thread:
        turn_ids = [turn.id for turn in thread.all_turns()]
    path = rollouts_of(fs, thread_id)[-1]
    content = content_of(fs, thread_id)
    seals = seals_in(content)
    return World({**fs.files(), path: content + tail}, thread_id, path, seals, turn_ids[-len(seals) :])


WORLDS = st.builds(
    world_of,
    st.lists(ACTS, max_size=5),
    is_legacy=st.booleans(),
    tail=st.sampled_from(
        [
            b"",
            b'{"timestamp":"2026-11-21T04:09:33.482Z","ordinal":9',
            b"junk\n",
            event("warning", message="theirs"),
            event("task_complete", turn_id="theirs") + b'{"seal":"0.',
            b'{"timestamp":"","type":"event_msg","payload":{"type":"task_complete"},"seal":"1.ab\n',
        ]
    ),
)


def is_found(read: Callable[[], object]) -> bool:
    """Tell whether a reader refuses what it read."""
    try:
        read()
    except DamagedLog:
        return True
    return False


def broken_in(store: Store) -> list[Damage]:
    """Return the broken seals that a check of the home lists."""
    damage = [each for one in store.check(store.files_to_check()) for each in one.damage]
    return [one for one in damage if one.reason is Reason.BROKEN_SEAL]


@given(world=WORLDS)
def test_nobody_is_accused_of_anything(world: World) -> None:
    """Not of a torn tail, nor of another client's lines behind the newest seal."""
    store = store_of(world.files)
    with store.open_thread(world.thread_id) as thread:
        assert not thread.broken_seals()
        for full_replay in (False, True):
            assert not [
                one
                for one in thread.context(full_replay=full_replay).damage
                if one.reason is Reason.BROKEN_SEAL
            ]
        assert len(thread.turns(limit=100).data) >= len(world.turn_ids)
        thread.items(limit=100)
    assert broken_in(store) == []


@given(world=WORLDS, data=st.data())
def test_one_altered_byte_is_found_by_whoever_reads_it(world: World, data: st.DataObject) -> None:
    """By the contexts, the pages that hold its turn, and a check, which names the span."""
    number = data.draw(st.integers(0, len(world.seals) - 1), label="seal")
    sealed = world.seals[number]
    header_end = world.content.index(b"\n") + 1  # an altered header names another thread, or none
    at = data.draw(st.integers(max(sealed.start_offset, header_end), sealed.end_offset - 1), label="at")
    store = altered(world.files, world.path, at, data.draw(st.integers(1, 255), label="by"))
    thread_id, turn_id = world.thread_id, world.turn_ids[number]
    from_newest = len(world.turn_ids) - number
    assert is_found(lambda: store.resume(thread_id, full_replay=True))
    assert is_found(lambda: store.turns(thread_id, limit=from_newest + 1))
    assert is_found(lambda: store.turns(thread_id, limit=100, direction=SortDirection.ASC))
    assert is_found(lambda: store.items(thread_id, turn_id=turn_id))
    spans = [(one.start_offset, one.end_offset) for one in broken_in(store)]
    assert any(start <= at < end for start, end in spans)
    allowed = store.resume(thread_id, full_replay=True, allow_damage=True)
    assert any(one.start_offset <= at < one.end_offset for one in allowed.damage)


@given(world=WORLDS, data=st.data())
def test_a_bounded_context_of_altered_bytes_is_refused_or_right(world: World, data: st.DataObject) -> None:
    """Either it read what was altered, and says so; or it did not, and what it says is as it was."""
    at = data.draw(st.integers(world.content.index(b"\n") + 1, world.seals[-1].end_offset - 1), label="at")
    store = altered(world.files, world.path, at, data.draw(st.integers(1, 255), label="by"))
    sound = store_of(world.files).resume(world.thread_id)
    try:
        found = store.resume(world.thread_id)
    except DamagedLog:
        return
    assert found.input_json() == sound.input_json()
    assert found.window == sound.window
    assert found.usage == sound.usage
    assert found.previous_turn_settings == sound.previous_turn_settings
