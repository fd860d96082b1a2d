"""What a search found, as JSON. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import Struct

from rollout.catalog.search_query import Span
from rollout.store.search import FoundThread, SearchPage
from rollout.wire.threads import Thread, thread


class FoundMessage(Struct, frozen=True, rename="camel"):
    """A thread and the newest of its messages that matches; ranges in UTF-16 units of the snippet."""

    thread: Thread
    turn_id: str | None
    item_id: str | None
    role: str
    snippet: str
    snippet_match_ranges: list[Span]
    score: float
    path: str | None
    start_offset: int | None


class Found(Struct, frozen=True, rename="camel"):
    """One page of a search; `total` is null where counting would take reading too much."""

    data: list[FoundMessage]
    next_cursor: str | None
    total: int | None


def found(page: SearchPage) -> Found:
    """Return the public shape of a page."""
    return Found([_message(one) for one in page.data], page.next_cursor, page.total)


def _message(one: FoundThread) -> FoundMessage:
    text = one.snippet.text
    return FoundMessage(
        thread(one.summary),
        one.turn_id,
        one.item_id,
        one.role.value,
        text,
        [Span(_units(text[: span.start]), _units(text[: span.end])) for span in one.snippet.matches],
        one.rank.score,
        one.path,
        one.start_offset,
    )


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
