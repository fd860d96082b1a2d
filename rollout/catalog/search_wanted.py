"""What is searched for, in which threads, and from where on."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rollout.catalog.query import NO_FILTER, ThreadFilter
from rollout.catalog.search_index import role_key
from rollout.catalog.search_query import Node, expression_of
from rollout.catalog.search_said import Role

_TURNED: Final = str.maketrans("0123456789abcdef", "fedcba9876543210")


class Rank(Struct, frozen=True):
    """Where a thread stands among those found. `is_common`: they come by recency alone."""

    score: float
    recency: int
    thread_id: str
    is_common: bool = False

    @property
    def place(self) -> tuple[float, int, str]:
        """What ranks sort by."""
        return (-self.score, -self.recency, _descending(self.thread_id))


def _descending(thread_id: str) -> str:
    """Return what sorts the other way round than an id."""
    return thread_id.translate(_TURNED)


class Wanted(Struct, frozen=True):
    """What is searched for, and in which threads; no role means all of them.

    `hidden` threads are left out. `after` is where the page before ended.
    """

    node: Node
    roles: tuple[Role, ...] = ()
    where: ThreadFilter = NO_FILTER
    is_archived: bool = False
    hidden: frozenset[str] = frozenset()
    after: Rank | None = None


def expression_for(wanted: Wanted, node: Node | None = None) -> str:
    """Return what the index is asked for a search, or for a part of it that must be there as well."""
    asked = expression_of(wanted.node)
    if node is not None and node is not wanted.node:
        asked = f"({asked} AND {expression_of(node)})"
    if wanted.roles:
        asked = f"({asked} AND ({' OR '.join(quoted_role(role) for role in wanted.roles)}))"
    return asked


def quoted_role(role: Role) -> str:
    """Return what finds the rows of a role."""
    return f'"{role_key(role)}"'
