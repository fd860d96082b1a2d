"""A fork of a legacy thread becomes one file that shows all that it showed, whatever it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.replay.context import read_context
from rollout.replay.lineage import Lineage
from rollout.store.copying import create_flat
from rollout.store.turn_pages import read_item_page, read_turns
from rollout.turns.paging import ItemsView, PageRequest, SortDirection
from tests.builders import Rollout, plain, thread, uuid
from tests.property.test_copies import FLAT, store_over

VECTORS = Path(__file__).parents[1] / "unit" / "turns" / "vectors"
STORED = [json.loads(line)["stored"] for line in (VECTORS / "stored_items.jsonl").read_bytes().splitlines()]
KINDS = sorted({item["type"] for item in STORED})
ITEMS = st.sampled_from(KINDS).flatmap(
    lambda kind: st.sampled_from([item for item in STORED if item["type"] == kind])
)
TIMES = st.fixed_dictionaries(
    {}, optional={"started_at_ms": st.integers(0, 9), "completed_at_ms": st.integers(0, 9)}
)


@st.composite
def shown_items(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return what the items of a turn say around them; some come twice, and some are thoughts in a row."""
    found = draw(st.lists(ITEMS | ITEMS.map(thought_of), max_size=6))
    numbers = draw(st.lists(st.integers(0, 3), min_size=len(found), max_size=len(found)))
    ids = [
        f"i{number}" if draw(st.booleans()) else item.get("id")
        for item, number in zip(found, numbers, strict=True)
    ]
    return [
        {"item": {**item, **({"id": item_id} if item_id is not None else {})}, **draw(TIMES)}
        for item, item_id in zip(found, ids, strict=True)
    ]


def thought_of(item: dict[str, Any]) -> dict[str, Any]:
    """Return a thought."""
    return {"type": "Reasoning", "id": item.get("id", "r"), "summary_text": ["Hm.", "So."], "raw_content": []}


ENDS = st.sampled_from(["end", "abort", None])
TURNS = st.lists(st.tuples(shown_items(), ENDS), min_size=1, max_size=3)


def legacy_root() -> Rollout:
    """Return a legacy rollout with an implicit turn and an explicit one."""
    parent = thread(1, mode="legacy").user("one").event("user_message", message="one")
    parent.event("agent_message", message="two").assistant("two")
    return parent.start("p").event("user_message", message="three").end("p")


def forked(parent: Rollout, turns: list[tuple[list[dict[str, Any]], str | None]]) -> Rollout:
    """Return a fork of a rollout's end, with these turns; their items also come late."""
    end = {"end_ordinal_exclusive": parent.content.count(b"\n"), "end_byte_offset": len(parent.content)}
    child = parent.fork(2, {"thread_id": parent.rollout_id, **end})
    for number, (items, ended) in enumerate(turns):
        turn_id = f"t{number}"
        child.start(turn_id, root_turn_id=turn_id, started_at=number)
        for place, item in enumerate(items):
            to = turn_id if place != 3 else f"t{max(0, number - 1)}"
            child.event("item_completed", thread_id=uuid(2), turn_id=to, **item)
        if ended == "end":
            child.end(turn_id, started_at=number, completed_at=number)
        elif ended == "abort":
            child.abort(turn_id, started_at=number, completed_at=number)
    return child


def answers(lineage: Lineage) -> list[Any]:
    """Return everything that a thread shows but for summaries, which legacy turns choose by their rules."""
    request = PageRequest(100, None, SortDirection.ASC)
    return [
        plain(read_turns(lineage, ItemsView.FULL)),
        plain(read_item_page(lineage, request).data) if not lineage.is_paginated else None,
        read_context(lineage).input_json(),
        read_context(lineage, reads_everything=True).input_json(),
    ]


@settings(max_examples=300)
@given(turns=TURNS)
def test_a_fork_of_a_legacy_thread_is_always_copied_whole(
    turns: list[tuple[list[dict[str, Any]], str | None]],
) -> None:
    """Items of every kind, under their ids and with their times."""
    parent = legacy_root()
    store = store_over([parent.content, forked(parent, turns).content])
    with store.open_thread(uuid(2)) as opened:
        before = answers(opened.lineage)
        create_flat(store.surroundings(), opened.lineage, FLAT)
    with store.open_thread(uuid(2)) as opened:
        assert len(opened.lineage.segments) == 1
        assert answers(opened.lineage) == before
