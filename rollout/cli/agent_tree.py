"""A tree of agents as text: one row a thread, columns aligned, the asked thread marked in the margin.

A large tree is folded: what is near the asked thread stays, the rest is counted, and no thread is left out
uncounted. Colour and bold letters say nothing that the words do not say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click
from msgspec import Struct

from rollout.cli.output import columns_of, counted, one_line, shown_time, width
from rollout.ids import ThreadId
from rollout.log.spawns import SpawnStatus
from rollout.store.agent_tree import AgentMember, AgentTree

MOST_ROWS: Final = 50
_SIBLINGS: Final = (None, 12, 5, 2, 0)
"""How many agents of one parent are shown, more and more coarsely."""
_WIDE: Final = 100
_NARROWEST_TITLE: Final = 16


class AgentLine(Struct, frozen=True):
    """One row: a thread, or in its place some `folded` ones. `lasts` says which branches end above it.

    `hidden` counts what is below it, or below the folded ones, and not shown.
    """

    lasts: tuple[bool, ...]
    member: AgentMember | None
    folded: tuple[AgentMember, ...] = ()
    hidden: int = 0


def agent_lines(tree: AgentTree, *, shows_all: bool = False) -> list[AgentLine]:
    """Return the rows of a tree, the root first. Pure."""
    lines: list[AgentLine] = []
    for most in _SIBLINGS:
        lines = list(_Fold(tree, None if shows_all else most).lines())
        if shows_all or len(lines) <= MOST_ROWS:
            break
    return lines


class _Fold:
    """A tree of which each parent shows so many of its agents, and those on the way to the asked one."""

    def __init__(self, tree: AgentTree, most: int | None) -> None:
        self._tree = tree
        self._most = most
        asked = tree.thread_id
        self._kin = {asked, *(one.id for one in tree.ancestors(asked))}
        self._below: dict[ThreadId, int] = {}
        for member in reversed(tree.members):  # children stand behind their parents
            self._below[member.id] = sum(self._below[child.id] + 1 for child in self._children(member))

    def _children(self, member: AgentMember) -> list[AgentMember]:
        return self._tree.children.get(member.id, [])

    def lines(self) -> Iterator[AgentLine]:
        """Yield the rows, parents first. Trees may be deep: no recursion."""
        waiting = [AgentLine((), self._tree.members[0])]
        while waiting:
            line = waiting.pop()
            if line.member is None:
                yield line
                continue
            under = self._under(line, line.member)
            if under and self._most == 0 and line.member.id not in self._kin:
                yield AgentLine(line.lasts, line.member, hidden=self._below[line.member.id])
                continue
            yield line
            waiting.extend(reversed(under))

    def _under(self, line: AgentLine, member: AgentMember) -> list[AgentLine]:
        children = self._children(member)
        shown = self._shown(children)
        folded = tuple(child for child in children if child.id not in shown)
        rows: list[tuple[AgentMember | None, tuple[AgentMember, ...]]] = [
            (child, ()) for child in children if child.id in shown
        ]
        if folded:
            rows.append((None, folded))
        last = len(rows) - 1
        return [
            AgentLine((*line.lasts, at == last), child, group, sum(self._below[one.id] for one in group))
            for at, (child, group) in enumerate(rows)
        ]

    def _shown(self, children: list[AgentMember]) -> set[ThreadId]:
        """Return which agents of a parent have a row: of those that are not kin, the open ones first."""
        kin = {child.id for child in children if child.id in self._kin}
        if self._most is None or len(children) <= self._most + 1:
            return {child.id for child in children}
        others = sorted(
            (child for child in children if child.id not in kin),
            key=lambda child: (child.status is not SpawnStatus.OPEN, child.id),
        )
        return kin | {child.id for child in others[: self._most]}


def print_agents(tree: AgentTree, lines: list[AgentLine]) -> None:
    """Print the rows of a tree, and what it holds in all."""
    columns = width()
    length = tree.id_length
    table = [["THREAD", "STATUS", "AGENT", *(["CHANGED"] if columns >= _WIDE else [])]]
    titles, marks = ["TITLE"], [False]
    for line in lines:
        table.append(_cells(line, length, columns))
        titles.append(_title(line))
        marks.append(line.member is not None and line.member.id == tree.thread_id)
    widths = [max(columns_of(cell) for cell in column) for column in zip(*table, strict=True)]
    room = max(_NARROWEST_TITLE, columns - 2 - sum(widths) - 2 * len(widths))
    for number, (cells, title, is_asked) in enumerate(zip(table, titles, marks, strict=True)):
        padded = [cell + " " * (widths[at] - columns_of(cell)) for at, cell in enumerate(cells)]
        text = f"{'>' if is_asked else ' '} {'  '.join([*padded, one_line(title, room)])}".rstrip()
        is_faint = number > 0 and lines[number - 1].member is None
        click.echo(click.style(text, bold=number == 0 or is_asked, dim=is_faint))
    click.echo(_total(tree))


def _cells(line: AgentLine, length: int, columns: int) -> list[str]:
    guide = _guide(line.lasts, columns // 4)
    member = line.member
    if member is None:
        cells = [f"{guide}… {len(line.folded):,} more", _statuses(line.folded), ""]
        changed = max((one.changed_at or 0 for one in line.folded), default=0)
    else:
        room = max(_NARROWEST_TITLE, columns // 4)
        cells = [guide + member.id[:length], member.status or "-", one_line(_agent(member), room)]
        changed = member.changed_at or 0
    return [*cells, shown_time(changed) if changed else ""] if columns >= _WIDE else cells


def _guide(lasts: tuple[bool, ...], most: int) -> str:
    """Return the branches in front of a row; of a deep one the nearest."""
    if not lasts:
        return ""
    steps = ["   " if is_last else "│  " for is_last in lasts[:-1]]
    shown = steps[max(0, len(steps) - most // 3) :]
    return "".join(["…  " if len(shown) < len(steps) else "", *shown, "└─ " if lasts[-1] else "├─ "])


def _statuses(members: tuple[AgentMember, ...]) -> str:
    count = sum(one.status is SpawnStatus.CLOSED for one in members)
    if count in {0, len(members)}:
        return SpawnStatus.CLOSED if count else SpawnStatus.OPEN
    return f"{count:,} closed"


def _agent(member: AgentMember) -> str:
    """Return what an agent is called: its address, else its nickname; and its role."""
    label = member.label
    called = label.path or label.nickname or ""
    role = f"({label.role})" if label.role else ""
    return " ".join(part for part in (called, role) if part)


def _title(line: AgentLine) -> str:
    """Return what a thread is about, behind what is to be known of it first."""
    member = line.member
    below = f"{line.hidden:,} below" if line.hidden else ""
    if member is None:
        return f"[{below}]" if below else ""
    marks = [
        word
        for word, is_so in (
            ("deleted", member.is_deleted),
            ("archived", member.is_archived),
            ("missing", member.is_missing),
            (below, bool(below)),
        )
        if is_so
    ]
    return " ".join([*(f"[{mark}]" for mark in marks), _about(member)])


def _about(member: AgentMember) -> str:
    if member.is_missing:
        return "(no rollout in this home is its own)"
    if member.problem is not None:
        return f"(cannot be read) {member.problem.message.partition(': ')[2] or member.problem.message}"
    return member.name or member.first_words or "(nothing asked yet)"


def _total(tree: AgentTree) -> str:
    agents = tree.members[1:]
    closed = sum(one.status is SpawnStatus.CLOSED for one in agents)
    kinds = (
        ("open", len(agents) - closed),
        ("closed", closed),
        ("deleted", sum(one.is_deleted for one in agents)),
        ("archived", sum(one.is_archived for one in agents)),
        ("missing", sum(one.is_missing for one in agents)),
    )
    parts = [f"{count:,} {word}" for word, count in kinds if count]
    deepest = max((one.depth for one in agents), default=0)
    marks = f" ({', '.join(parts)})" if parts else ""
    levels = f", {counted(deepest, 'level')} deep" if deepest > 1 else ""
    return f"{counted(len(agents), 'agent')}{marks}{levels}"
