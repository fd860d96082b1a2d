"""Which threads of a family a person is shown, and in what order: the rest is counted.

Pure. A small family is shown whole. Of a large one the asked thread, its ancestors and its children
stay; siblings are counted by the place at which they left, then by many places at once, and long chains
are shown by their ends. No thread is left out without being counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from fork.family import Family, Member
from rollout.ids import RolloutId, ThreadId

MOST_ROWS: Final = 50
"""Above this the next coarser outline is taken, while there is one."""
_LONGEST_CHAIN: Final = 6


class Row(Struct, frozen=True):
    """One row of an outline: a thread, or in its place `folded` ones, children of one parent or a chain.

    `depth` below the root. `is_last` of its parent's rows. `hidden` counts the descendants that are not
    shown, of the thread or of the folded ones.
    """

    depth: int
    is_last: bool
    member: Member | None
    folded: list[Member] = []
    is_chain: bool = False
    hidden: int = 0


class _Detail(Struct, frozen=True):
    """How much is shown: how many siblings that left at one place, at how many places, whose children."""

    at_one_place: int | None
    places: int | None
    only_kin: bool
    folds_chains: bool = True


_DETAILS: Final = (
    _Detail(None, None, only_kin=False),
    _Detail(3, None, only_kin=False),
    _Detail(3, None, only_kin=True),
    _Detail(0, None, only_kin=True),
    _Detail(0, 24, only_kin=True),
    _Detail(0, 8, only_kin=True),
    _Detail(0, 2, only_kin=True),
)


def outline(family: Family, *, shows_all: bool = False) -> list[Row]:
    """Return the rows of a family, the root first."""
    if shows_all:
        return list(_Outline(family, _Detail(None, None, only_kin=False, folds_chains=False)).rows())
    rows: list[Row] = []
    for detail in _DETAILS:
        rows = list(_Outline(family, detail).rows())
        if len(rows) <= MOST_ROWS:
            break
    return rows


class _Outline:
    """One outline of a family, in one degree of detail."""

    def __init__(self, family: Family, detail: _Detail) -> None:
        self._family = family
        self._detail = detail
        self._kin = {family.thread_id, *(one.id for one in family.ancestors(family.thread_id))}
        self._below: dict[ThreadId, int] = {}
        for member in reversed(family.members):  # children stand behind their parents
            below = sum(self._below[child.id] + 1 for child in self._children(member))
            self._below[member.id] = below

    def _children(self, member: Member) -> list[Member]:
        return self._family.children.get(member.id, [])

    def _is_open(self, member: Member) -> bool:
        """Tell whether a thread's children are shown."""
        return bool(self._children(member)) and (not self._detail.only_kin or member.id in self._kin)

    def rows(self) -> Iterator[Row]:
        """Yield the rows, parents first. Families are deep: no recursion."""
        waiting = [Row(0, True, self._family.root)]
        while waiting:
            row = waiting.pop()
            member = row.member
            if member is None:
                if row.is_chain:
                    waiting.extend(reversed(self._under(row.folded[-1], row.depth + 1)))
                yield row
                continue
            if not self._is_open(member):
                yield Row(row.depth, row.is_last, member, hidden=self._below[member.id])
                continue
            yield row
            waiting.extend(reversed(self._under(member, row.depth + 1)))

    def _under(self, member: Member, depth: int) -> list[Row]:
        """Return the rows right below a thread."""
        chain = self._chain(member)
        if chain:
            return [Row(depth, True, None, chain, is_chain=True)]
        found = list(self._siblings(self._children(member)))
        last = len(found) - 1
        return [
            Row(depth, at == last, group[0])
            if len(group) == 1
            else Row(depth, at == last, None, group, hidden=sum(self._below[one.id] for one in group))
            for at, group in enumerate(found)
        ]

    def _chain(self, member: Member) -> list[Member]:
        """Return the middle of a long chain of only children; those at its ends are shown."""
        is_end = member.id == self._family.thread_id or not self._follows_one(member)
        if not self._detail.folds_chains or is_end:
            return []
        found: list[Member] = []
        child = self._only_child(member)
        while (
            child is not None and child.id != self._family.thread_id and self._only_child(child) is not None
        ):
            found.append(child)
            child = self._only_child(child)
        return found[:-1] if len(found) > _LONGEST_CHAIN else []

    def _follows_one(self, member: Member) -> bool:
        """Tell whether a thread is an only child: the second link of a chain, or a later one."""
        parent_id = member.parent_id
        return parent_id is not None and len(self._family.children[parent_id]) == 1

    def _only_child(self, member: Member) -> Member | None:
        children = self._children(member)
        return children[0] if len(children) == 1 and self._is_open(member) else None

    def _siblings(self, children: list[Member]) -> Iterator[list[Member]]:
        """Yield children one by one, and those that are folded into one row as one group."""
        run: list[list[Member]] = []
        for is_foldable, group in self._at_places(children):
            if is_foldable:
                run += self._fold_place(group)
                continue
            yield from self._fold_run(run)
            run = []
            yield group
        yield from self._fold_run(run)

    def _at_places(self, children: list[Member]) -> Iterator[tuple[bool, list[Member]]]:
        """Yield children that may be folded in groups that left at one place, the others one by one."""
        group: list[Member] = []
        for child in children:
            if not self._is_foldable(child):
                yield True, group
                group = []
                yield False, [child]
            elif group and place_of(group[0]) != place_of(child):
                yield True, group
                group = [child]
            else:
                group.append(child)
        yield True, group

    def _is_foldable(self, child: Member) -> bool:
        is_plain = not child.is_missing and child.problem is None
        return is_plain and child.id not in self._kin and not self._is_open(child)

    def _fold_place(self, group: list[Member]) -> list[list[Member]]:
        shown = self._detail.at_one_place
        if shown is None or len(group) <= shown + 1:
            return [[one] for one in group]
        return [*([one] for one in group[:shown]), group[shown:]]

    def _fold_run(self, run: list[list[Member]]) -> Iterator[list[Member]]:
        shown = self._detail.places
        if shown is None or len(run) <= shown + 1:
            yield from run
            return
        last = len(run) - shown // 2
        yield from run[: shown - shown // 2]
        yield [one for group in run[shown - shown // 2 : last] for one in group]
        yield from run[last:]


def place_of(member: Member) -> tuple[RolloutId, int] | None:
    """Return where a thread left its parent; None when no link says so."""
    return (member.link.rollout_id, member.link.end_offset) if member.link is not None else None
