"""One turn of a legacy file while it is built: its items, and how the reference client counts them.

Pure. Items that only this project's readers show use up no number, so that all others are called what
the reference client calls them. Format: docs/format.md, "Turns of a legacy file".
"""

from __future__ import annotations

from msgspec import Struct

from rollout.turns.failure import TurnFailure
from rollout.turns.items import ContextCompaction, HookPrompt, Reasoning, ThreadItem
from rollout.turns.legacy_items import joined_reasoning
from rollout.turns.legacy_marks import Named
from rollout.turns.model import Turn, TurnStatus, shown_status, summarise
from rollout.turns.paging import ItemsView


class OpenTurn(Struct):
    """A turn being built. `is_numbered`: its id is not stored anywhere, but counted.

    `uncounted`: how many items more it has than the reference client counts; `is_thinking`: the last
    one that it counts is reasoning, which more of it joins; `unnamed`: ids of what
    nothing could name so far, hook prompts and compactions.
    """

    id: str
    is_explicit: bool
    status: TurnStatus
    items: list[ThreadItem]
    is_numbered: bool = False
    has_compaction: bool = False
    root_turn_id: str | None = None
    error: TurnFailure | None = None
    started_at: int | float | None = None
    completed_at: int | float | None = None
    duration_ms: int | float | None = None
    start_offset: int = 0
    end_offset: int | None = None
    uncounted: int = 0
    is_thinking: bool = False
    unnamed: list[str] = []

    @property
    def is_worth_showing(self) -> bool:
        """Whether it is a turn at all: nothing opened an implicit one but what it holds."""
        return self.is_explicit or bool(self.items) or self.has_compaction

    def add(self, item: ThreadItem, name: Named | None = None, *, takes_number: bool) -> bool:
        """Add what an event shows, under its name if it has one; tell whether it used up its number."""
        joins = self.is_thinking and isinstance(item, Reasoning)
        shown = item if name is None else name.given_to(item)
        place = self._newest_thought() if joins and name is None else self._find(shown.id)
        is_new = place is None
        if place is None:
            self.items.append(shown)
            if name is None and isinstance(shown, HookPrompt | ContextCompaction):
                self.unnamed.append(shown.id)
        else:
            known = self.items[place]
            goes_on = name is None or name.goes_on
            if goes_on and isinstance(known, Reasoning) and isinstance(shown, Reasoning):
                shown = joined_reasoning(known, shown)
            self.items[place] = shown
        is_counted = not joins and (is_new or takes_number)
        self.uncounted += is_new - is_counted
        if is_counted:
            self.is_thinking = isinstance(item, Reasoning)
        return takes_number and is_counted

    def show(self, item: ThreadItem) -> None:
        """Add what the reference client passes over, or put it in the place of what has its id.

        A hook prompt takes the place of the one that its message made, a compaction that of its event.
        """
        known = self._find(item.id)
        told = self._find_unnamed(item) if isinstance(item, HookPrompt | ContextCompaction) else None
        if told is not None and known is not None and told != known:
            del self.items[told]
            self.uncounted -= 1
            known, told = self._find(item.id), None
        place = known if told is None else told
        if place is None:
            self.items.append(item)
            self.uncounted += 1
        else:
            self.items[place] = item

    def _find(self, item_id: str) -> int | None:
        return next((place for place, known in enumerate(self.items) if known.id == item_id), None)

    def _find_unnamed(self, item: HookPrompt | ContextCompaction) -> int | None:
        for place, known in enumerate(self.items):
            if known.id not in self.unnamed or type(known) is not type(item):
                continue
            if not isinstance(item, HookPrompt) or _fragments(known) == item.fragments:
                self.unnamed.remove(known.id)
                return place
        return None

    def _newest_thought(self) -> int | None:
        thoughts = [place for place, item in enumerate(self.items) if isinstance(item, Reasoning)]
        return thoughts[-1] if thoughts else None

    def shown(self, view: ItemsView) -> Turn:
        """Return it as shown for a thread that nobody runs."""
        items: list[ThreadItem] = []
        if view is ItemsView.FULL:
            items = list(self.items)
        elif view is ItemsView.SUMMARY:
            items = summarise(self.items, takes_any_phase=True, takes_unphased=True)
        return Turn(
            self.id,
            self.root_turn_id,
            view,
            shown_status(self.status),
            self.error,
            self.started_at,
            self.completed_at,
            self.duration_ms,
            items,
        )


def _fragments(item: ThreadItem) -> object:
    return item.fragments if isinstance(item, HookPrompt) else None
