"""A checkpoint that grows with its log says what reading the log back says."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.format.encoding import Draft, line_front
from rollout.replay import growing
from rollout.replay.growing import GrowingCheckpoint, find_stop
from rollout.replay.positions import MadeCheckpoint, make_checkpoint
from tests.builders import TIME, Rollout, home, plain, thread


def made_of(rollout: Rollout) -> MadeCheckpoint:
    """Return the checkpoint of a rollout, read back."""
    with home(rollout).open(rollout) as lineage:
        made = make_checkpoint(lineage)
    assert made is not None
    return made


def advanced(known: GrowingCheckpoint, rollout: Rollout) -> bool:
    """Let a checkpoint take what was added to its rollout."""
    with home(rollout).open(rollout) as lineage:
        return known.advance(lineage)


def grown(known: GrowingCheckpoint, rollout: Rollout) -> Any:
    """Return what a checkpoint in the making says, its items told one by one."""
    with home(rollout).open(rollout) as lineage:
        made = known.make(lineage)
    assert made is not None
    return told(made)


def told(made: MadeCheckpoint) -> Any:
    """Return a checkpoint's members, whatever the parts its items are in."""
    members = plain(made.checkpoint)
    members["items"] = [
        [part.compaction, *part.indexes()] if part.replaced else [*part.places(), *part.inline]
        for part in made.checkpoint.parts()
    ]
    members["items"] = plain([one for part in members["items"] for one in part])
    return members


def test_it_says_what_reading_back_says() -> None:
    """Settings, items, usage, the world and the count of turns, after every turn."""
    rollout = thread().turn("first", turn_id="t0").world({"a": 1})
    known = GrowingCheckpoint(made_of(rollout.end("t0")))
    for number in range(5):
        turn_id = f"t{number + 1}"
        rollout.start(turn_id).context(turn_id, model=f"m{number}").user(f"question {number}")
        rollout.world({"n": number}, full=False).tokens(number).assistant("yes").end(turn_id)
        assert advanced(known, rollout)
        found, wanted = grown(known, rollout), told(made_of(rollout))
        joined = [place for place in found.pop("items") if place]
        assert lines_in(joined) == lines_in(wanted.pop("items"))
        assert found == wanted


def lines_in(places: list[list[int]]) -> set[int]:
    """Return the bytes that places cover."""
    return {at for _, start, size in places for at in range(start, start + size)}


def test_many_states_of_the_world_are_folded() -> None:
    """As a reading folds them, once there are more than are named by their places."""
    rollout = thread().start("a").user("x").world({"n": -1}).end("a")
    known = GrowingCheckpoint(made_of(rollout))
    for number in range(40):
        rollout.start(f"b{number}").user("y").world({"n": number}, full=False).end(f"b{number}")
        assert advanced(known, rollout)
    world = grown(known, rollout)["world"]
    assert world.keys() == {"state"}
    assert world["state"]["n"] >= 31


def test_its_own_line_adds_nothing() -> None:
    """A checkpoint that was written is passed over with what was appended behind it."""
    rollout = thread().turn("one")
    made = made_of(rollout)
    known = GrowingCheckpoint(made)
    rollout.raw(line_front(TIME, None, Draft("checkpoint", made.content)) + b"}\n").turn("two")
    assert advanced(known, rollout)
    assert grown(known, rollout)["count"] == 4


CHANGES = {
    "compaction": lambda rollout: rollout.compact("so far"),
    "plain compaction": lambda rollout: rollout.compact("so far", is_plain=True),
    "rollback": lambda rollout: rollout.rollback(1),
    "damage": lambda rollout: rollout.raw(b"no line of a log\n"),
    "an open turn's end": lambda rollout: rollout.end("another"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_cannot_be_added_is_left_to_a_reading(change: str) -> None:
    """It reaches below what is known, or is for a reading to report."""
    rollout = thread(1, "legacy").turn("one").turn("two")
    known = GrowingCheckpoint(made_of(rollout))
    CHANGES[change](rollout)
    assert not advanced(known, rollout)


def stop_of(rollout: Rollout) -> bytes | None:
    """Return the line of a rollout that a resume may stop at."""
    with home(rollout).open(rollout) as lineage:
        found = find_stop(lineage.newest_source, 0, lineage.newest.end_offset)
    return rollout.content[found.start_offset : found.end_offset] if found is not None else None


@pytest.mark.parametrize("block_bytes", [200, 1 << 20])
def test_the_newest_stop_is_found(monkeypatch: pytest.MonkeyPatch, block_bytes: int) -> None:
    """Wherever blocks end; a compaction is one, and text that looks like one is none."""
    monkeypatch.setattr(growing, "_BLOCK_BYTES", block_bytes)
    rollout = thread().turn("one")
    assert stop_of(rollout) is None
    assert b'"compacted"' in (stop_of(rollout.compact("so far").turn("two")) or b"")
    line = line_front(TIME, None, Draft("checkpoint", made_of(rollout).content)) + b"}\n"
    rollout.raw(line).turn('{"type":"checkpoint","payload":{}}')
    rollout.record("response_item", {"type": "x", "n": {"a": 1, "type": "compacted", "payload": {}}})
    assert stop_of(rollout) == line
