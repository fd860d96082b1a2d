"""A copy shows what its lineage shows, for any log; where one file cannot, none is made."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import given, settings

from rollout.errors import UnsupportedFormat
from rollout.ids import RolloutId
from rollout.replay.context import read_context
from rollout.replay.lineage import Lineage
from rollout.replay.sealed import SealWatch, find_broken_seals
from rollout.store.copying import create_flat
from rollout.store.projecting import project
from rollout.store.store import Store
from rollout.store.turn_pages import read_turns
from rollout.testing.crashfs import CrashFS
from rollout.testing.strategies import LEGACY, PAGINATED, Cut, Line, lineages, logs, write_lineage, write_log
from rollout.turns.paging import ItemsView
from rollout.turns.rows import in_order, shown_item
from tests.builders import DAY, HOME, plain, uuid

WINDOW = {"context_window": {"window_id": uuid(0xA)}}
FLAT = RolloutId(uuid(0xF1A7))


def store_of(cuts: list[Cut]) -> Store:
    """Return a store over a home with the rollouts of a lineage."""
    ids = [uuid(number) for number in range(1, len(cuts) + 1)]
    return store_over([made.content for made in write_lineage(ids, cuts, **WINDOW)])


def store_over(contents: list[bytes]) -> Store:
    """Return a store over a home with these rollouts, numbered from 1."""
    files = {
        f"{DAY}/rollout-2026-11-21T04-09-33-{uuid(number)}.jsonl": content
        for number, content in enumerate(contents, 1)
    }
    ticks = count(1_795_248_374_000)
    return Store(CrashFS(files, folders=[HOME]), HOME, 1 << 20, lambda: next(ticks), lambda: uuid(99))


def answers(lineage: Lineage) -> dict[str, Any]:
    """Return everything that a thread shows."""
    found: dict[str, Any] = {
        view.value: plain(read_turns(lineage, view, allow_damage=True)) for view in ItemsView
    }
    items = in_order(project(lineage, SealWatch(lineage)).items())
    found["items"] = [[row.ordinal, plain(shown_item(row))] for row in items if shown_item(row) is not None]
    for reads_everything in (False, True):
        context = read_context(lineage, reads_everything=reads_everything)
        found[f"history {reads_everything}"] = context.input_json()
        found[f"rest {reads_everything}"] = [
            plain(context.previous_turn_settings),
            plain(context.reference_context),
            plain(context.world_state),
            plain(context.window),
            plain(context.usage),
            context.latest_context.model if context.latest_context is not None else None,
        ]
    assert find_broken_seals(lineage) == []
    return found


def flattened(store: Store, newest: str, ask: Callable[[Lineage], Any]) -> list[Any]:
    """Return what a thread answers before and after it was flattened; nothing when it cannot be."""
    with store.open_thread(newest) as opened:
        before = ask(opened.lineage)
        try:
            create_flat(store.surroundings(), opened.lineage, FLAT)
        except UnsupportedFormat:
            return []
    with store.open_thread(newest) as opened:
        assert len(opened.lineage.segments) == 1
        return [before, ask(opened.lineage)]


@settings(max_examples=400)
@given(cuts=lineages())
def test_a_copy_shows_what_its_lineage_shows(cuts: list[Cut]) -> None:
    """Whatever its rollouts hold; or else none is made."""
    found = flattened(store_of(cuts), uuid(len(cuts)), answers)
    if found:
        assert found[0] == found[1]


@settings(max_examples=200)
@given(cuts=lineages(is_orderly=True))
def test_a_log_in_order_is_always_copied(cuts: list[Cut]) -> None:
    """As every writer leaves it, cut between turns."""
    found = flattened(store_of(cuts), uuid(len(cuts)), answers)
    assert found
    assert found[0] == found[1]


def legacy_store(lines: list[Line], added: list[Line]) -> Store:
    """Return a store over a home with a legacy rollout and a fork of its end."""
    parent = write_log(uuid(1), LEGACY, lines, **WINDOW)
    offset, _ = parent.ends[-1]
    base = {"thread_id": uuid(1), "end_ordinal_exclusive": len(parent.ends), "end_byte_offset": offset}
    child = write_log(uuid(2), PAGINATED, added, base=base, **WINDOW)
    return store_over([parent.content, child.content])


def what_is_given(lineage: Lineage) -> list[Any]:
    """Return the turns by their ids and ends, and what a model is given."""
    turns = read_turns(lineage, ItemsView.FULL, allow_damage=True)
    outline = [(turn.id, turn.status, plain(turn.error), turn.completed_at) for turn in turns]
    return [
        outline,
        read_context(lineage).input_json(),
        read_context(lineage, reads_everything=True).input_json(),
    ]


@settings(max_examples=300)
@given(lines=logs(max_size=6), added=logs(max_size=4))
def test_a_copy_of_a_legacy_root_gives_the_same(lines: list[Line], added: list[Line]) -> None:
    """Or else none is made."""
    found = flattened(legacy_store(lines, added), uuid(2), what_is_given)
    if found:
        assert found[0] == found[1]


def ordinals(lineage: Lineage) -> list[int]:
    """Return the ordinals of the newest rollout."""
    source = lineage.newest_source
    lines = source.read_at(0, source.size_bytes).splitlines()
    return [json.loads(line)["ordinal"] for line in lines]


@settings(max_examples=50)
@given(cuts=lineages(is_orderly=True))
def test_ordinals_run_on_without_a_gap(cuts: list[Cut]) -> None:
    """Where an inner header stood, a record that says nothing takes its place."""
    (_, after) = flattened(store_of(cuts), uuid(len(cuts)), ordinals)
    assert after == list(range(len(after)))
