"""The turns of a history from a position on: what a thread has that another one, which left there, lacks.

Read backward to the position and no further, where the history is paginated; a legacy one is numbered
from its start. Format: docs/format.md, "Turns" and "Lineage".
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from rollout.format.record import Damage, Era, Record
from rollout.log.lines import iter_lines
from rollout.replay.lineage import Lineage
from rollout.replay.sealed import SealWatch, refuse_broken
from rollout.store.projecting import project, read_all_turns
from rollout.turns.legacy import LegacyTurns
from rollout.turns.model import Turn
from rollout.turns.paging import ItemsView
from rollout.turns.rows import TurnRow, shown_turn


class Position(Struct, frozen=True):
    """A place in a lineage: everything before `end_offset` of a segment, counted from the oldest.

    `end_ordinal` is that of the next record there; it says nothing in a legacy segment.
    """

    place: int
    end_ordinal: int
    end_offset: int


class Suffix(Struct, frozen=True):
    """The turns of which something stands behind a position, oldest first, with all items.

    `taken_back` counts turns before it that a rollback behind it took back: legacy histories only.
    `damage` is what was read and is not what was sealed, where that is allowed.
    """

    turns: list[Turn]
    taken_back: int = 0
    damage: list[Damage] = []


def read_suffix(lineage: Lineage, position: Position, *, allow_damage: bool = False) -> Suffix:
    """Return what follows a position. Raise DamagedLog on a broken seal, unless damage is allowed."""
    seals = SealWatch(lineage)
    if lineage.segments[position.place].is_paginated:
        below = position.end_ordinal - 1
        rows = project(lineage, seals, lambda known: known.are_turns_certain_above(below)).turns()
        found = Suffix([shown_turn(row, ItemsView.FULL) for row in rows if _last_ordinal(row) > below])
    else:
        found = _legacy_suffix(lineage, position, read_all_turns(lineage, ItemsView.FULL, seals))
    damage = seals.find_broken()
    if not allow_damage:
        refuse_broken(lineage.thread_id, damage)
    return msgspec.structs.replace(found, damage=damage)


def _last_ordinal(row: TurnRow) -> int:
    """Return the highest ordinal at which something of a turn stands."""
    known = [item.ordinal for item in row.items]
    for stretch in row.stretches:
        known += [one for one in (stretch.ordinal, stretch.end_ordinal) if one is not None]
    return max(known, default=-1)


def _legacy_suffix(lineage: Lineage, position: Position, turns: list[Turn]) -> Suffix:
    """Return the turns that are not the ones that stood before a position of the legacy segment."""
    before = _turns_before(lineage, position)
    same = 0
    for elder, turn in zip(before, turns, strict=False):
        if (elder.id, elder.status) != (turn.id, turn.status):
            break
        same += 1
    kept = {turn.id for turn in turns}
    return Suffix(turns[same:], sum(turn.id not in kept for turn in before[same:]))


def _turns_before(lineage: Lineage, position: Position) -> list[Turn]:
    segment = lineage.segments[position.place]
    span = msgspec.structs.replace(lineage.span(segment), end_offset=position.end_offset, is_cut=True)
    fold = LegacyTurns(reads_bare_items=segment.header.era is Era.BARE)
    for batch in iter_lines(lineage.source(segment), span):
        for line in batch:
            if isinstance(line, Record):
                fold.feed(line)
    return fold.result(ItemsView.NOT_LOADED)
