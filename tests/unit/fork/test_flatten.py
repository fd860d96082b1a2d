"""Flattening: what it writes, what it leaves alone, and what it refuses."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from fork.flatten import flatten_thread
from rollout.errors import LeaseHeld, NotFound, UnsupportedFormat
from rollout.store.copying import Flattened
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from rollout.turns.paging import ItemsView
from tests.builders import ARCHIVE, DAY, HOME, STAMP, Rollout, thread, uuid

FLAT = uuid(0xF1A7)


def store_over(*rollouts: Rollout, folder: str = DAY, **files: bytes) -> Store:
    """Return a store over a home with these rollouts; every id it mints is the flat rollout's."""
    made = {f"{folder}/{one.name(f'{STAMP[:-2]}{at:02d}')}": one.content for at, one in enumerate(rollouts)}
    fs = CrashFS({**made, **files}, folders=[HOME, ARCHIVE])
    ticks = count(1_795_248_374_000)
    return Store(fs, HOME, 1 << 20, lambda: next(ticks), lambda: FLAT)


def shown(store: Store, number: int) -> list[Any]:
    """Return what a thread shows: its turns in two views, and what a model is given."""
    with store.open_thread(uuid(number)) as opened:
        views = [opened.all_turns(view=view) for view in (ItemsView.FULL, ItemsView.SUMMARY)]
        return [*views, opened.context().input_json(), opened.context(full_replay=True).input_json()]


def content_of(store: Store, made: Flattened) -> bytes:
    """Return the bytes of a file that was made."""
    with store.surroundings().fs.open_read(made.path) as file:
        return file.read_at(0, 1 << 20)


def records_of(store: Store, made: Flattened) -> list[Any]:
    """Return its lines, decoded."""
    return [json.loads(line) for line in content_of(store, made).splitlines()]


def test_a_fork_shows_the_same_from_one_file() -> None:
    """Whatever was inherited is in it."""
    parent = thread(1).turn("a").turn("b")
    child = parent.fork(2, forked_from_id=uuid(1)).turn("c")
    parent.turn("not inherited")
    store = store_over(parent, child)
    before = shown(store, 2)
    made = flatten_thread(store, uuid(2))
    assert made.segments == 2
    assert shown(store, 2) == before
    with store.open_thread(uuid(2)) as opened:
        (segment,) = opened.segments()
    assert (segment.path, segment.rollout_id) == (made.path, FLAT)


def test_the_header_says_what_the_newest_said_but_for_time_and_base() -> None:
    """Members nobody knows included."""
    parent = thread(1).turn("a")
    child = parent.fork(2, forked_from_id=uuid(1), git=None, from_next_year=[1]).turn("b")
    old = json.loads(child.content.splitlines()[0])["payload"]
    store = store_over(parent, child)
    header = records_of(store, flatten_thread(store, uuid(2)))[0]
    del old["history_base"]
    assert header["payload"] == {**old, "timestamp": header["timestamp"]}
    assert header["ordinal"] == 0


def test_lines_keep_their_bytes() -> None:
    """Those that are no records, and those from next year, as well."""
    odd = b'{"timestamp":"t","type":"from_next_year","payload":{"a": 1.50}}\r\n\n{half a line\n'
    parent = thread(1).turn("a").raw(odd).turn("b")
    child = parent.fork(2).turn("c")
    store = store_over(parent, child)
    content = content_of(store, flatten_thread(store, uuid(2)))
    inherited = parent.content.split(b"\n", 1)[1]
    own = child.content.split(b"\n", 1)[1]
    assert inherited in content
    assert content.endswith(own)
    assert content.count(b"\n") == inherited.count(b"\n") + own.count(b"\n") + 2


def test_the_older_rollouts_stay_as_they_are() -> None:
    """Somebody may stand on them."""
    parent = thread(1).turn("a")
    child = parent.fork(2).turn("b")
    leaf = child.fork(3).turn("c")
    store = store_over(parent, child, leaf)
    before = shown(store, 3)
    flatten_thread(store, uuid(2))
    assert shown(store, 3) == before


def test_a_thread_without_a_base_is_left_as_it_is() -> None:
    """And says so, without asking for its lease."""
    store = store_over(thread(1).turn("a"))
    made = flatten_thread(store, uuid(1))
    assert (made.segments, made.bytes_written, made.rollout_id) == (1, 0, uuid(1))


def test_a_second_time_changes_nothing() -> None:
    """It has no base any more."""
    parent = thread(1).turn("a")
    store = store_over(parent, parent.fork(2).turn("b"))
    first = flatten_thread(store, uuid(2))
    second = flatten_thread(store, uuid(2))
    assert (second.path, second.bytes_written) == (first.path, 0)


def test_a_thread_that_is_recorded_is_refused() -> None:
    """What it recorded meanwhile would be lost."""
    parent = thread(1).turn("a")
    store = store_over(parent, parent.fork(2).turn("b"))
    with store.record(uuid(2)), pytest.raises(LeaseHeld):
        flatten_thread(store, uuid(2))


def test_an_unknown_thread_is_not_found() -> None:
    """As everywhere."""
    with pytest.raises(NotFound):
        flatten_thread(store_over(thread(1)), uuid(9))


def test_a_flat_thread_goes_on() -> None:
    """Its next ordinal is the one that it had."""
    parent = thread(1).turn("a")
    store = store_over(parent, parent.fork(2).turn("b"))
    with store.open_thread(uuid(2)) as opened:
        next_ordinal = opened.context().next_ordinal
    flatten_thread(store, uuid(2))
    with store.record(uuid(2)) as recorder:
        assert recorder.thread_id == uuid(2)
    with store.open_thread(uuid(2)) as opened:
        assert opened.context().next_ordinal == next_ordinal


def test_an_archived_thread_stays_archived() -> None:
    """Its new rollout lies where its older ones do."""
    parent = thread(1).turn("a")
    store = store_over(parent, parent.fork(2).turn("b"), folder=ARCHIVE)
    assert flatten_thread(store, uuid(2)).path.startswith(f"{ARCHIVE}/")


def test_a_torn_tail_is_left_out() -> None:
    """Nobody reads it."""
    parent = thread(1).turn("a")
    child = parent.fork(2).turn("b").raw(b'{"timestamp":"2026-1')
    store = store_over(parent, child)
    before = shown(store, 2)
    content = content_of(store, flatten_thread(store, uuid(2)))
    assert content.endswith(b"}\n")
    assert shown(store, 2) == before


def test_a_turn_that_a_fork_left_open_stays_as_it_is_shown() -> None:
    """Its end is the fork's mark, its items are the parent's."""
    parent = thread(1).turn("a").start("open", root_turn_id="r").shows("open", "q", "x", "UserMessage")
    child = parent.fork(2).abort("open", completed_at=9).turn("c")
    parent.shows("open", "late").end("open")
    store = store_over(parent, child)
    before = shown(store, 2)
    flatten_thread(store, uuid(2))
    assert shown(store, 2) == before


def test_a_turn_that_goes_on_is_noticed_however_its_start_is_written() -> None:
    """Members may stand in any order, also where most writers have one."""
    odd = {"turn_id": "open", "type": "task_started", "root_turn_id": "r"}
    parent = thread(1).turn("a").record("event_msg", odd).shows("open", "q", "x", "UserMessage")
    child = parent.fork(2).abort("open", completed_at=9).turn("c")
    store = store_over(parent, child)
    before = shown(store, 2)
    flatten_thread(store, uuid(2))
    assert shown(store, 2) == before


def test_what_looks_like_a_checkpoint_inside_a_record_stays() -> None:
    """Only a line of that type is left out."""
    parent = thread(1).turn("a").record("retained_context", {"type": "checkpoint", "payload": {"a": 1}})
    child = parent.fork(2).turn("b")
    store = store_over(parent, child)
    content = content_of(store, flatten_thread(store, uuid(2)))
    assert content.count(b'{"type":"checkpoint","payload":{"a":1}}') == 1


def test_what_one_file_would_show_otherwise_is_refused() -> None:
    """An item that two segments have is two items; in one file it would be one."""
    parent = thread(1).start("open").shows("open", "i", "old")
    child = parent.fork(2).shows("open", "i", "new").end("open")
    store = store_over(parent, child)
    before = shown(store, 2)
    with pytest.raises(UnsupportedFormat, match="turn open"):
        flatten_thread(store, uuid(2))
    assert shown(store, 2) == before


def at_its_end(parent: Rollout) -> dict[str, Any]:
    """Return the base at the end of a legacy rollout."""
    end = {"end_ordinal_exclusive": parent.content.count(b"\n"), "end_byte_offset": len(parent.content)}
    return {"thread_id": parent.rollout_id, **end}


def test_a_legacy_root_makes_a_legacy_copy() -> None:
    """With the ids of its turns, and what the fork added."""
    parent = thread(1, mode="legacy").user("one").event("user_message", message="one")
    parent.event("agent_message", message="two").assistant("two")
    child = parent.fork(2, at_its_end(parent)).turn("three")
    store = store_over(parent, child)
    before = shown(store, 2)
    records = records_of(store, flatten_thread(store, uuid(2)))
    assert records[0]["payload"]["history_mode"] == "legacy"
    assert not any("ordinal" in record for record in records)
    after = shown(store, 2)
    assert after[0] == before[0]
    assert after[2:] == before[2:]


def test_what_no_legacy_event_shows_is_in_a_legacy_copy() -> None:
    """With its id, its times and its bytes; what nobody knows as well."""
    parent = thread(1, mode="legacy").user("one").event("user_message", message="one")
    child = parent.fork(2, at_its_end(parent)).start("t").shows("t", "m").shows("t", "i", kind="FromNextYear")
    call = {
        "type": "DynamicToolCall",
        "id": "c",
        "tool": "look",
        "arguments": {"a": 1},
        "status": "completed",
    }
    times = {"started_at_ms": 1, "completed_at_ms": 2}
    child.event("item_completed", thread_id=uuid(2), turn_id="t", item=call, **times).end("t")
    store = store_over(parent, child)
    before = shown(store, 2)
    content = content_of(store, flatten_thread(store, uuid(2)))
    after = shown(store, 2)
    assert after[0] == before[0]
    assert [item.id for item in after[0][-1].items] == ["m", "c"]
    assert b'"FromNextYear"' in content


def test_an_item_behind_its_turn_goes_into_a_legacy_copy() -> None:
    """Where an event would go to the turn that is open then."""
    parent = thread(1, mode="legacy").user("one").event("user_message", message="one")
    child = parent.fork(2, at_its_end(parent)).turn("two").start("u").shows("turn-1", "late", "Late.")
    child.shows("u", "there", "There.").end("u")
    store = store_over(parent, child)
    before = shown(store, 2)
    flatten_thread(store, uuid(2))
    assert shown(store, 2)[0] == before[0]


def early(*lines: dict[str, Any]) -> bytes:
    """Return lines of an era before the envelope."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def test_the_flat_era_gets_the_envelope() -> None:
    """A state line becomes one of a type that nobody knows, and nothing is damage."""
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Name a planet."}]}
    stamp = {"timestamp": "2025-09-01T10:00:00.000Z"}
    parent = thread(1, mode="legacy")
    parent.content = early(
        {**stamp, "record_type": "session_meta", "id": uuid(1), "cwd": "/src"},
        {**stamp, "record_type": "response", **said},
        {"record_type": "state", **stamp},
        {
            **stamp,
            "record_type": "event",
            "id": "1",
            "msg": {"type": "user_message", "message": "Name a planet."},
        },
        {**stamp, "record_type": "event", "id": "2", "msg": {"type": "agent_message", "message": "Mars."}},
    )
    child = parent.fork(2, at_its_end(parent)).turn("three")
    store = store_over(parent, child)
    before = shown(store, 2)
    records = records_of(store, flatten_thread(store, uuid(2)))
    types = [record["type"] for record in records[:5]]
    assert types == ["session_meta", "response_item", "obsolete", "event_msg", "event_msg"]
    after = shown(store, 2)
    assert after[0][:1] == before[0][:1]
    assert after[2:] == before[2:]
    with store.open_thread(uuid(2)) as opened:
        (checked,) = store.check(opened.files())
    assert checked.damage == []


def test_the_bare_era_is_refused() -> None:
    """Its messages stand for events, by whose number turns are called."""
    parent = thread(1, mode="legacy")
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Name a metal."}]}
    parent.content = early(
        {"id": uuid(1), "timestamp": "2025-06-01T10:00:00.000Z", "instructions": None}, said
    )
    store = store_over(parent, parent.fork(2, at_its_end(parent)).turn("three"))
    before = shown(store, 2)
    with pytest.raises(UnsupportedFormat, match="era"):
        flatten_thread(store, uuid(2))
    assert shown(store, 2) == before
