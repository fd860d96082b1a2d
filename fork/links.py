"""Who stands on whom: the links of all rollouts of a home, followed without reading any of them again.

Pure: made from heads. Links are followed as lineages are, but nothing is raised: what is missing,
circular or too short is told of the thread it breaks, and the rest stays what it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable
from typing import Final

from msgspec import Struct

from rollout.ids import RolloutId, ThreadId
from rollout.store.headers import RolloutHead
from rollout.store.summary import Problem

_HINT: Final = "Put the missing or original file back into the home."


class Link(Struct, frozen=True, rename="camel"):
    """Where a lineage leaves another thread: a rollout, an ordinal and a decoded offset, both exclusive.

    `from_rollout_id` is the rollout whose header says so.
    """

    rollout_id: RolloutId
    end_ordinal: int
    end_offset: int
    from_rollout_id: RolloutId


class _Standing(Struct, frozen=True):
    """What a rollout stands on: bytes of other rollouts below it, and what keeps them from being read."""

    inherited_bytes: int | None
    problem: Problem | None


class Kinship:
    """The threads of a home, and the links between them."""

    def __init__(self, heads: Iterable[RolloutHead]) -> None:
        self._by_rollout: dict[RolloutId, RolloutHead] = {}
        self._by_thread: dict[ThreadId, list[RolloutHead]] = defaultdict(list)
        for head in heads:
            self._by_rollout[head.rollout_id] = head
            self._by_thread[head.thread_id].append(head)
        for own in self._by_thread.values():
            own.sort(key=lambda head: (head.file.name.stamp, head.rollout_id), reverse=True)
        self._links: dict[ThreadId, Link | None] = {}
        self._parents: dict[ThreadId, ThreadId | None] = {}
        self._children: dict[ThreadId, list[ThreadId]] = defaultdict(list)
        self._standings: dict[RolloutId, _Standing] = {}
        for thread_id in self._by_thread:
            self._links[thread_id] = self._find_link(thread_id)
        for thread_id in self._by_thread:
            parent = self._find_parent(thread_id)
            self._parents[thread_id] = parent
            if parent is not None:
                self._children[parent].append(thread_id)
        for children in self._children.values():
            children.sort(key=self._order)

    def find(self, rollout_id: RolloutId) -> RolloutHead | None:
        """Return the head of a rollout, or None when no file of the home is that one."""
        return self._by_rollout.get(rollout_id)

    def knows(self, thread_id: ThreadId) -> bool:
        """Tell whether a thread has a rollout here, or a child that has one."""
        return thread_id in self._by_thread or thread_id in self._children

    def thread_ids(self) -> Iterable[ThreadId]:
        """Return every thread that has a rollout here."""
        return self._by_thread.keys()

    def unread(self) -> list[RolloutHead]:
        """Return the rollouts without a header that can be read: whose kin they are cannot be known."""
        return [head for head in self._by_rollout.values() if head.owner_id is None]

    def heads_of(self, thread_id: ThreadId) -> list[RolloutHead]:
        """Return the heads of all rollouts of a thread, newest first."""
        return list(self._by_thread.get(thread_id, ()))

    def newest_of(self, thread_id: ThreadId) -> RolloutHead | None:
        """Return the head of a thread's current rollout: its newest that is no other thread's file."""
        heads = self._by_thread.get(thread_id, [])
        whose = (head for head in heads if head.owner_id in {None, thread_id})
        return next(whose, heads[0] if heads else None)

    def link_of(self, thread_id: ThreadId) -> Link | None:
        """Return where a thread's lineage leaves it for another thread; None where it ends in its own."""
        return self._links.get(thread_id)

    def parent_of(self, thread_id: ThreadId) -> ThreadId | None:
        """Return the thread that a thread was forked from. It may be missing."""
        return self._parents.get(thread_id)

    def children_of(self, thread_id: ThreadId) -> list[ThreadId]:
        """Return the threads that were forked from a thread, by the place they left at, then by age."""
        return self._children.get(thread_id, [])

    def root_of(self, thread_id: ThreadId) -> ThreadId:
        """Return the oldest ancestor. Where ancestors close a cycle, the last before it closes."""
        seen = {thread_id}
        while (parent := self._parents.get(thread_id)) is not None and parent not in seen:
            seen.add(parent)
            thread_id = parent
        return thread_id

    def own_heads(self, thread_id: ThreadId) -> list[RolloutHead]:
        """Return the rollouts of its own that a thread's history lies in, oldest first."""
        found: dict[RolloutId, RolloutHead] = {}
        head = self.newest_of(thread_id)
        while head is not None and head.thread_id == thread_id and head.rollout_id not in found:
            found[head.rollout_id] = head
            head = self._base_head(head)
        return list(found.values())[::-1]

    def inherited_bytes(self, thread_id: ThreadId) -> int | None:
        """Return how many decoded bytes of a thread's history lie in rollouts of other threads.

        None when a link of its lineage cannot be followed.
        """
        own = self.own_heads(thread_id)
        return self._standing(own[0]).inherited_bytes if own else None

    def problem_of(self, thread_id: ThreadId) -> Problem | None:
        """Return what keeps a thread from being read, as far as headers and sizes tell."""
        newest = self.newest_of(thread_id)
        return self._standing(newest).problem if newest is not None else None

    def _standing(self, head: RolloutHead) -> _Standing:
        """Return what a rollout stands on. Chains are long: no recursion, and each link once."""
        chain: dict[RolloutId, RolloutHead] = {}
        below = _Standing(0, None)
        while True:
            known = self._standings.get(head.rollout_id)
            problem = head.problem or self._broken(head, chain)
            if known is not None or problem is not None or head.base is None:
                below = known or _Standing(0 if problem is None else None, problem)
                self._standings[head.rollout_id] = below
                break
            chain[head.rollout_id] = head
            parent = self._base_head(head)
            assert parent is not None, "a link to nothing is a broken one"
            head = parent
        for child in reversed(chain.values()):
            base, parent = child.base, self._base_head(child)
            inherited = below.inherited_bytes
            if inherited is not None and base is not None and parent is not None:
                inherited += max(0, base.end_byte_offset - parent.start_offset)
            below = self._standings[child.rollout_id] = _Standing(inherited, below.problem)
        return below

    def _broken(self, child: RolloutHead, chain: Container[RolloutId]) -> Problem | None:
        """Return what is wrong with the link of one rollout, that `chain` leads to."""
        base, parent = child.base, self._base_head(child)
        if base is None:
            return None
        link = f"following the history of thread {child.thread_id}: rollout {child.rollout_id}"
        if parent is None:
            what = "missing source rollout: no file in this home carries that id"
        elif parent.rollout_id in chain or parent is child:
            what = "the link closes a cycle: that rollout is in the chain already"
        elif base.end_byte_offset > parent.size_bytes and not parent.file.name.is_compressed:
            found = f"expected at least {base.end_byte_offset} bytes, found {parent.size_bytes}"
            what = f"the cutoff lies past the source rollout {parent.file.path}: {found}"
        else:
            return None
        return Problem("log.damaged", f"{link} -> base {base.thread_id}: {what}", _HINT)

    def _base_head(self, head: RolloutHead) -> RolloutHead | None:
        base_id = head.base_rollout_id
        return self._by_rollout.get(base_id) if base_id is not None else None

    def _find_link(self, thread_id: ThreadId) -> Link | None:
        own = self.own_heads(thread_id)
        base, base_id = (own[0].base, own[0].base_rollout_id) if own else (None, None)
        if base is None or base_id is None:
            return None
        parent = self._by_rollout.get(base_id)
        if parent is not None and parent.thread_id == thread_id:
            return None  # a cycle within the thread
        return Link(base_id, base.end_ordinal_exclusive, base.end_byte_offset, own[0].rollout_id)

    def _find_parent(self, thread_id: ThreadId) -> ThreadId | None:
        link, newest = self._links[thread_id], self.newest_of(thread_id)
        named = newest.forked_from_id if newest is not None else None
        if link is None:
            return named if named != thread_id else None
        parent = self._by_rollout.get(link.rollout_id)
        if parent is not None:
            return parent.thread_id
        # The rollout is gone. Its id is its thread's, unless a revert made it.
        stands_for = named if named is not None and named != thread_id else None
        return stands_for or ThreadId(link.rollout_id)

    def _order(self, thread_id: ThreadId) -> tuple[bool, int, int, ThreadId]:
        link, newest = self._links[thread_id], self.newest_of(thread_id)
        created_at = newest.created_at if newest is not None else 0
        return link is None, link.end_ordinal if link is not None else 0, created_at, thread_id
