"""What parts two threads, as text: up to where they are one, then the turns of either, a row a turn."""

from __future__ import annotations

from typing import Final

import click

from fork.diff import Ancestor, Difference, Side
from rollout.cli.excerpts import excerpt
from rollout.cli.output import counted, emit_pairs, emit_table, one_line, shown_time, width
from rollout.turns.items import UserMessage
from rollout.turns.model import Turn

_MOST_WORDS: Final = 300
_NARROW: Final = 100


def print_difference(found: Difference) -> None:
    """Print the common ancestor, then both sides."""
    common = found.ancestor
    of_thread = f" of thread {common.thread_id}" if str(common.rollout_id) != common.thread_id else ""
    emit_pairs(
        [
            ("in common", f"{common.rollout_id}{of_thread}"),
            ("up to", _place(common)),
            ("A", _count(found.a)),
            ("B", _count(found.b)),
        ]
    )
    rows = [_row(letter, turn) for letter, side in (("A", found.a), ("B", found.b)) for turn in side.turns]
    if not rows:
        return
    heads = ["", "TURN", "STARTED", "STATUS", "ITEMS", "ASKED"]
    kept = [0, 1, 3, 4, 5] if width() < _NARROW else range(6)
    click.echo()
    emit_table([heads[at] for at in kept], [[row[at] for at in kept] for row in rows])


def _place(common: Ancestor) -> str:
    """Return up to where two histories are one."""
    if common.end_ordinal is None:
        return "its end: nothing parts the two"
    turns, exact = common.fork_turns, f"ordinal {common.end_ordinal:,}, byte {common.end_offset:,}"
    if turns is not None and turns.inside_turn_id is not None:
        return f"the middle of turn {turns.inside_turn_id} ({exact})"
    if turns is not None and turns.after_turn_id is not None:
        return f"turn {turns.after_turn_id} ({exact})"
    if turns is not None and turns.is_within_reach and turns.before_turn_id is not None:
        return f"the start of turn {turns.before_turn_id} ({exact})"
    return exact


def _count(side: Side) -> str:
    taken_back = f"; {counted(side.taken_back, 'common turn')} taken back" if side.taken_back else ""
    went_on = counted(len(side.turns), "turn") if side.turns else "nothing more"
    return f"{side.thread_id}: {went_on}{taken_back}"


def _row(letter: str, turn: Turn) -> list[str]:
    started = shown_time(int(turn.started_at * 1000)) if turn.started_at is not None else "-"
    asked = next((excerpt(item) for item in turn.items if isinstance(item, UserMessage)), "")
    words = one_line(asked, _MOST_WORDS) or "-"
    return [letter, turn.id, started, turn.status.value, f"{len(turn.items):,}", words]
