"""A turn is found by its id wherever it stands: halving by time never gives another answer than reading all.

The oracle reads every line of every segment; the search is made to halve and to read in small blocks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

from rollout.ids import mint_uuid7
from rollout.replay import turn_search
from rollout.replay.turn_search import Found, find_turn_end, find_turn_start
from tests.builders import Home, Rollout, home, message, thread

BEGIN_MS = 1_795_219_200_000
ODD_IDS = ["t1", 'a "quoted" one', "back\\slash", "übung", ""]


def turn_id_at(minute: int) -> str:
    """Return an id of version 7 that was made at a minute."""
    return mint_uuid7(BEGIN_MS + minute * 60_000, minute.to_bytes(10, "big"))


def stamp_at(minute: int) -> str:
    """Return that minute as lines say it."""
    return f"2026-11-21T{minute // 60:02d}:{minute % 60:02d}:00.000Z"


@dataclass(frozen=True)
class Step:
    """One line: what it is, which turn it is about, and what its writer's clock said."""

    kind: str
    turn_id: str
    minute: int


IDS = st.integers(0, 7).map(turn_id_at) | st.sampled_from(ODD_IDS)
STARTS = {"task_started", "turn_started"}
ENDS = {"task_complete", "turn_complete", "turn_aborted"}
NOISE = {"nameless", "said", "item", "long", "blank", "broken", "rooted"}
KINDS = st.sampled_from(sorted(STARTS | ENDS | NOISE))
STEPS = st.lists(st.builds(Step, KINDS, IDS, st.integers(0, 9)), max_size=14)
FILES = st.lists(st.tuples(STEPS, st.integers(0, 14)), min_size=1, max_size=3)
SMALL = {"_NEAR_BYTES": 150, "_BEHIND_BYTES": 200, "_BLOCK_BYTES": 64}


def write(rollout: Rollout, step: Step) -> None:
    """Add the line of a step."""
    at, named = {"timestamp": stamp_at(step.minute)}, step.turn_id
    if step.kind == "said":
        text = f'{{"type":"task_started","turn_id":"{named}"}} "{named}"'
        rollout.record("response_item", message("user", text), **at)
    elif step.kind == "item":
        rollout.record("event_msg", {"type": "item_completed", "turn_id": named, "item": {}}, **at)
    elif step.kind == "long":
        rollout.record("response_item", message("assistant", f'"{named}" ' * 60, id=named), **at)
    elif step.kind == "rooted":
        rollout.record(
            "event_msg", {"type": "task_started", "turn_id": "of another", "root_turn_id": named}, **at
        )
    elif step.kind == "blank":
        rollout.raw(b" \r\n")
    elif step.kind == "broken":
        rollout.raw(b'{"type":"event_msg","payload":{"type":"task_started","turn_id":"%s"\n' % named.encode())
    elif step.kind == "nameless":
        rollout.record("event_msg", {"type": "turn_aborted", "reason": "interrupted"}, **at)
    else:
        rollout.record("event_msg", {"type": step.kind, "turn_id": named}, **at)


class Written:
    """A lineage as it was written: one rollout for every part, each forked off the one before."""

    def __init__(self, parts: list[tuple[list[Step], int]], *, is_legacy: bool) -> None:
        self.rollouts: list[Rollout] = []
        self.cuts: list[int | None] = []
        ends: list[dict[str, Any]] = []
        for number, (steps, _) in enumerate(parts, 1):
            if number == 1:
                rollout = thread(1, "legacy" if is_legacy else "paginated")
            else:
                rollout = self.rollouts[-1].fork(number, at=ends[min(parts[number - 2][1], len(ends) - 1)])
                self.cuts.append(rollout_base(rollout))
            ends = [rollout.position]
            for step in steps:
                write(rollout, step)
                ends.append({**rollout.position, "end_ordinal_exclusive": max(1, rollout.next_ordinal)})
            self.rollouts.append(rollout)
        self.cuts.append(None)

    def home(self) -> Home:
        """Return a home with all of it."""
        return home(*self.rollouts)

    def marks(self, turn_id: str, kinds: set[str]) -> list[tuple[int, int]]:
        """Return segment and offset of every event of these kinds that names a turn, by reading all."""
        found = []
        for place, (rollout, cut) in enumerate(zip(self.rollouts, self.cuts, strict=True)):
            at = 0
            for stored in rollout.log().splitlines(keepends=True):
                if (cut is None or at + len(stored) <= cut) and names(stored, turn_id, kinds):
                    found.append((place, at))
                at += len(stored)
        return found


def rollout_base(rollout: Rollout) -> int:
    """Return where a fork leaves its parent."""
    first: dict[str, Any] = json.loads(rollout.log().splitlines()[0])
    offset: int = first["payload"]["history_base"]["end_byte_offset"]
    return offset


def names(stored: bytes, turn_id: str, kinds: set[str]) -> bool:
    """Tell whether a line is an event of these kinds that names a turn."""
    try:
        record = json.loads(stored)
    except ValueError:
        return False
    payload = record["payload"]
    return record["type"] == "event_msg" and payload["type"] in kinds and payload.get("turn_id") == turn_id


def place_of(found: Found | None) -> tuple[int, int] | None:
    """Return segment and offset of what was found."""
    return (found.place, found.record.start_offset) if found is not None else None


@given(FILES, IDS)
@example([([Step("task_started", turn_id_at(3), 0)] + [Step("said", "t1", 9)] * 8, 9)], turn_id_at(3))
@example([([Step("said", "t1", 9)] * 8 + [Step("task_started", turn_id_at(3), 3)], 9)], turn_id_at(3))
@example(
    [
        ([Step("task_started", turn_id_at(1), 1), Step("long", turn_id_at(1), 2)], 2),
        ([Step("task_complete", turn_id_at(1), 0)], 1),
    ],
    turn_id_at(1),
)
def test_a_turn_is_found_where_it_stands(parts: list[tuple[list[Step], int]], turn_id: str) -> None:
    """Its start, and its first end behind that; whatever the clocks said, and whoever quotes the id."""
    written = Written(parts, is_legacy=False)
    starts = written.marks(turn_id, STARTS)
    ends = written.marks(turn_id, ENDS)
    with mock.patch.multiple(turn_search, **SMALL), written.home().open(written.rollouts[-1]) as lineage:
        start = find_turn_start(lineage, turn_id)
        if not starts:
            assert start is None
            return
        assert place_of(start) in starts
        assert start is not None
        behind = [end for end in ends if end > (start.place, start.record.start_offset)]
        assert place_of(find_turn_end(lineage, start, turn_id)) == min(behind, default=None)


@given(STEPS, IDS)
def test_whatever_a_legacy_search_finds_is_there(steps: list[Step], turn_id: str) -> None:
    """It may give up, and leave the answer to who reads all; it never finds what is not there."""
    written = Written([(steps, 0)], is_legacy=True)
    with mock.patch.multiple(turn_search, **SMALL), written.home().open(written.rollouts[-1]) as lineage:
        start = find_turn_start(lineage, turn_id)
        if start is None:
            return
        begun = (start.place, start.record.start_offset)
        assert begun in written.marks(turn_id, STARTS)
        end = find_turn_end(lineage, start, turn_id)
        assert end is None or place_of(end) == min(one for one in written.marks(turn_id, ENDS) if one > begun)


def test_an_id_in_megabytes_of_text_is_passed_over() -> None:
    """Lines far longer than a block quote the id before, within and behind the turn."""
    turn_id = turn_id_at(5)
    quoting = message("user", f'"{turn_id}" ' * 40_000)
    made = thread(1)
    for minute in (0, 9):
        made.record("response_item", quoting, timestamp=stamp_at(minute))
    start = len(made.log())
    made.start(turn_id)
    made.record("response_item", quoting, timestamp=stamp_at(5)).end(turn_id)
    made.record("response_item", quoting, timestamp=stamp_at(1))
    with home(made).open(made) as lineage:
        found = find_turn_start(lineage, turn_id)
        assert found is not None
        assert found.record.start_offset == start
        end = find_turn_end(lineage, found, turn_id)
        assert end is not None
        assert json.loads(end.record.stored)["payload"]["type"] == "task_complete"


def test_an_id_of_a_long_log_is_found_by_its_time() -> None:
    """Where clocks and ids agree a few blocks are read, of however many there are."""
    made = thread(1, timestamp=stamp_at(0))
    for minute in range(600):
        made.record(
            "event_msg", {"type": "task_started", "turn_id": turn_id_at(minute)}, timestamp=stamp_at(minute)
        )
        made.record("response_item", message("user", "word " * 4000), timestamp=stamp_at(minute))
    with home(made).open(made) as lineage:
        before = lineage.bytes_read
        assert find_turn_start(lineage, turn_id_at(301)) is not None
        assert lineage.bytes_read - before < 1 << 20
        assert len(made.log()) > 10 << 20
