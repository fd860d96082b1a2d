"""How many turns a thread has and where each begins, by the catalog: for a place in the middle of it.

The files of the lineage are looked at before rows are believed; None means that the log must be read.
"""

from __future__ import annotations

from rollout.catalog.turn_index import Stretch, TurnStart, count_turns, iter_turn_starts
from rollout.errors import RolloutError
from rollout.replay.lineage import Lineage
from rollout.store.cataloged import Cataloged


def find_turn_count(catalog: Cataloged, lineage: Lineage) -> int | None:
    """Return how many turns a thread has started; None when the catalog cannot tell."""
    stretches = _stretches(catalog, lineage)
    if stretches is None:
        return None
    try:
        return catalog.get().ask("counting turns", lambda connection: count_turns(connection, stretches))
    except RolloutError:
        return None


def find_turn_starts(catalog: Cataloged, lineage: Lineage, first: int, limit: int) -> list[TurnStart] | None:
    """Return the turns of a thread from the `first` one on, counted from 0, oldest first; None as above."""
    stretches = _stretches(catalog, lineage)
    if stretches is None:
        return None
    try:
        return catalog.get().ask(
            "finding turns",
            lambda connection: (
                list(iter_turn_starts(connection, stretches, first, limit))
                if count_turns(connection, stretches) is not None
                else None
            ),
        )
    except RolloutError:
        return None


def _stretches(catalog: Cataloged, lineage: Lineage) -> list[Stretch] | None:
    """Return the segments of a lineage as the index names them, its files brought up to date."""
    if catalog.find() is None or not lineage.is_paginated:
        return None
    for segment in lineage.segments:
        catalog.note_change(segment.file.path)
    return [Stretch(segment.rollout_id, segment.end_offset) for segment in lineage.segments]
