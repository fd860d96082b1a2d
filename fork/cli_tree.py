"""A family as text: one row a thread, columns aligned, the asked thread marked in the margin.

Colour and bold letters say nothing that the words do not say.
"""

from __future__ import annotations

from typing import Final

import click
from msgspec import Struct

from fork.family import Family, Member
from fork.outline import Row, place_of
from rollout.cli.output import columns_of, counted, one_line, shown_size, shown_time, width
from rollout.store.summary import Problem

_WIDE: Final = 140
_MIDDLE: Final = 100
_SHORT_TURN: Final = 13
_LONG_TURN: Final = 18
_NARROWEST_TITLE: Final = 16


class _Line(Struct, frozen=True):
    """One line: its columns, and how it is set off."""

    cells: list[str]
    title: str
    is_asked: bool = False
    is_faint: bool = False


def print_tree(family: Family, rows: list[Row]) -> None:
    """Print the rows of a family, and what it holds in all."""
    columns = width()
    lines = [_head(columns), *_lines(family, rows, columns)]
    widths = [
        max(columns_of(cell) for cell in column) for column in zip(*(one.cells for one in lines), strict=True)
    ]
    room = max(_NARROWEST_TITLE, columns - 2 - sum(widths) - 2 * len(widths))
    for number, line in enumerate(lines):
        cells = [_padded(cell, widths[at], at) for at, cell in enumerate(line.cells)]
        text = f"{'>' if line.is_asked else ' '} {'  '.join([*cells, one_line(line.title, room)])}".rstrip()
        click.echo(click.style(text, bold=number == 0 or line.is_asked, dim=line.is_faint))
    click.echo(_total(family))


def _padded(cell: str, columns: int, at: int) -> str:
    blank = " " * (columns - columns_of(cell))
    return blank + cell if at in {1, 2} else cell + blank


def _head(columns: int) -> _Line:
    created = ["CREATED"] if columns >= _WIDE else []
    return _Line(["THREAD", "OWN", "INHERITED", "FORKED AFTER", *created], "TITLE")


def _lines(family: Family, rows: list[Row], columns: int) -> list[_Line]:
    found: list[_Line] = []
    lasts: list[bool] = []
    before: Row | None = None
    for row in rows:
        del lasts[row.depth :]
        lasts.append(row.is_last)
        guide = _guide(lasts, columns // 3)
        found.append(
            _folded(family, row, guide, before, columns)
            if row.member is None
            else _thread(family, row, guide, before, columns)
        )
        before = row
    return found


def _guide(lasts: list[bool], most: int) -> str:
    """Return the branches in front of a row; of a deep one the nearest."""
    if len(lasts) == 1:
        return ""
    steps = ["   " if is_last else "│  " for is_last in lasts[1:-1]]
    shown = steps[max(0, len(steps) - most // 3) :]
    return "".join(["…  " if len(shown) < len(steps) else "", *shown, "└─ " if lasts[-1] else "├─ "])


def _thread(family: Family, row: Row, guide: str, before: Row | None, columns: int) -> _Line:
    member = row.member
    assert member is not None, "rows of folded threads are told otherwise"
    is_same = before is not None and before.member is not None and _is_same_place(before.member, member)
    cells = [
        guide + member.id[: family.id_length],
        "-" if member.is_missing else shown_size(member.own_bytes),
        "?" if member.inherited_bytes is None else shown_size(member.inherited_bytes) if member.link else "-",
        '"' if is_same else _place(member, columns),
    ]
    if columns >= _WIDE:
        cells.append(shown_time(member.created_at) if member.created_at is not None else "")
    return _Line(
        cells,
        _title(family, row, member),
        member.id == family.thread_id,
        member.is_archived or member.is_deleted,
    )


def _is_same_place(one: Member, other: Member) -> bool:
    """Tell whether two threads left the same parent at the same place."""
    return one.link is not None and one.parent_id == other.parent_id and place_of(one) == place_of(other)


def _place(member: Member, columns: int) -> str:
    """Return where a thread left its parent, as short as the terminal asks for."""
    if member.parent_id is None:
        return ""
    if member.link is None:
        return "copy" if member.is_copy else "stands alone"
    length = 36 if columns >= _WIDE else _LONG_TURN if columns >= _MIDDLE else _SHORT_TURN
    turns = member.fork_turns
    if turns is not None and turns.inside_turn_id is not None:
        return f"in {turns.inside_turn_id[:length]}"
    if turns is not None and turns.after_turn_id is not None:
        return turns.after_turn_id[:length]
    if turns is not None and turns.is_within_reach and turns.before_turn_id is not None:
        return f"before {turns.before_turn_id[:length]}"
    return f"at ordinal {member.link.end_ordinal}"


def _title(family: Family, row: Row, member: Member) -> str:
    """Return what a thread is about, behind what is to be known of it first."""
    marks = [
        word
        for word, is_so in (
            ("deleted", member.is_deleted),
            ("archived", member.is_archived),
            ("missing", member.is_missing),
            (counted(member.rollout_count, "rollout"), member.rollout_count > 1),
            (f"{row.hidden:,} below", row.hidden > 0),
        )
        if is_so
    ]
    return " ".join([*(f"[{mark}]" for mark in marks), _about(family, member)])


def _about(family: Family, member: Member) -> str:
    """Return what a thread is about: its name, unless that is its parent's, else its own first words."""
    if member.problem is not None:
        return f"(cannot be read) {_why(member.problem)}"
    if member.is_missing:
        return "(no rollout in this home is its own)"
    parent = family.by_id[member.parent_id] if member.parent_id is not None else None
    is_taken_over = parent is not None and parent.name == member.name
    return (None if is_taken_over else member.name) or member.first_words or "(nothing asked yet)"


def _why(problem: Problem) -> str:
    """Return what is wrong, without what was being done and to which rollout: the row says that."""
    _, _, why = problem.message.partition(": ")
    link, _, what = why.partition(": ")
    return what if " -> base " in link else why or problem.message


def _folded(family: Family, row: Row, guide: str, before: Row | None, columns: int) -> _Line:
    """Return a line that counts threads."""
    folded, count = row.folded, len(row.folded)
    follows = before is not None and before.member is not None and _is_same_place(before.member, folded[0])
    places = {place_of(one) for one in folded}
    if row.is_chain:
        place = "one by one"
    elif len(places) > 1:
        place = f"{len(places):,} turns"
    else:
        place = '"' if follows else _place(folded[0], columns)
    inherited = [one.inherited_bytes for one in folded]
    is_rest = row.is_chain or follows or len(places) > 1
    cells = [
        guide + (f"… {count:,} more" if is_rest else f"… {counted(count, 'fork')}"),
        shown_size(sum(one.own_bytes for one in folded)),
        "?" if None in inherited else shown_size(sum(one or 0 for one in inherited)),
        place,
    ]
    if columns >= _WIDE:
        cells.append("")
    marks = [*_counts(folded), *([f"{row.hidden:,} below"] if row.hidden else [])]
    newest = max(folded, key=lambda one: one.created_at or 0)
    title = f"newest: {_about(family, newest)}" if not row.is_chain else ""
    return _Line(cells, " ".join([*(f"[{mark}]" for mark in marks), title]), is_faint=True)


def _counts(members: list[Member]) -> list[str]:
    """Return how many of some threads are not just there."""
    kinds = (
        ("deleted", sum(one.is_deleted for one in members)),
        ("archived", sum(one.is_archived for one in members)),
        ("missing", sum(one.is_missing for one in members)),
    )
    return [f"{number:,} {word}" for word, number in kinds if number]


def _total(family: Family) -> str:
    members = family.members
    own = shown_size(sum(one.own_bytes for one in members))
    inherited = shown_size(sum(one.inherited_bytes or 0 for one in members))
    parts = _counts(members)
    marks = f" ({', '.join(parts)})" if parts else ""
    return (
        f"{counted(len(members), 'thread')}{marks}: {own} of their own, {inherited} inherited and not copied"
    )
