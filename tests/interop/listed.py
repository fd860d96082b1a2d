"""What the live client and this library list of the same home, page by page, to be compared."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
from refclient.rpc import AppServer

from rollout.appserver.listing import INTERACTIVE, page_of
from rollout.catalog.query import ThreadFilter
from rollout.format.times import timestamp_of
from rollout.ids import ThreadId
from rollout.store.headers import iter_heads
from rollout.store.kin import find_first_words
from rollout.store.listing import Listing, ListRequest
from rollout.store.places import SortKey
from rollout.store.store import Store
from rollout.turns.paging import SortDirection
from tests.builders import Rollout, thread, uuid

PAGE = 3
SORTS = {"created_at": SortKey.CREATED, "updated_at": SortKey.UPDATED, "recency_at": SortKey.RECENCY}
WAYS = [way.value for way in SortDirection]
THREADS = 40
SOURCES: list[Any] = [
    "cli",
    "vscode",
    "exec",
    "mcp",
    {"subagent": "review"},
    {"subagent": "compact"},
    {"subagent": {"other": "helper"}},
    {"subagent": {"thread_spawn": {"parent_thread_id": uuid(1), "depth": 1}}},
    {"subagent": {"thread_spawn": {"parent_thread_id": uuid(7), "depth": 2}}},
]
WORDS = ["Fix the parser", "parse 100% of it", "Über snake_case", "Nothing of note", "PARSER"]
FOLDERS = ["/src/app", "/src/lib", "/src"]
_MOST_ROUNDS = 20
_FIRST_CHANGE = 1_795_240_000

Page = list[str]


class Question(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a listing is asked, in the words of the protocol."""

    sort_key: str = "created_at"
    sort_direction: str = "desc"
    archived: bool = False
    source_kinds: tuple[str, ...] = ()
    search_term: str = ""
    cwd: tuple[str, ...] = ()
    model_providers: tuple[str, ...] = ()
    parent_thread_id: str | None = None
    ancestor_thread_id: str | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are let through: if nobody says, those that people talk to, or all."""
        is_spawned = self.parent_thread_id is not None or self.ancestor_thread_id is not None
        return self.source_kinds or (() if is_spawned else INTERACTIVE)


def their_pages(server: AppServer, question: Question, limit: int = PAGE) -> list[Page]:
    """Return the ids on every page that the client gives; an empty one behind the last is left out."""
    params = msgspec.to_builtins(question) | {"modelProviders": list(question.model_providers)}
    pages: list[Page] = []
    cursor = None
    while True:
        answer = server.request("thread/list", {**params, "limit": limit, "cursor": cursor})
        pages.append([one["id"] for one in answer["data"]])
        cursor = answer["nextCursor"]
        if cursor is None:
            return pages if pages[-1] or len(pages) == 1 else pages[:-1]


def learn(server: AppServer) -> None:
    """Let the client's database learn of every file: until then its short pages lack threads."""
    for sort, is_archived in product(SORTS, (False, True)):
        question = Question(sort_key=sort, archived=is_archived)
        for _ in range(_MOST_ROUNDS):
            whole = flat(their_pages(server, question, limit=100))
            if once(flat(their_pages(server, question))) == once(whole):
                break


def our_pages(store: Store, question: Question, *, by_rows: bool) -> list[Page]:
    """Return the ids on every page that we give, by the rows of the catalog or straight from the files."""
    cataloged = store.catalog

    def read(request: ListRequest) -> Listing:
        if not by_rows:
            return cataloged.page_of_files(request)
        found = cataloged.page_of_rows(request)
        assert found is not None, "there is a catalog to be asked"
        return found

    request = ListRequest(
        PAGE,
        None,
        SORTS[question.sort_key],
        SortDirection(question.sort_direction),
        question.archived,
        ThreadFilter(
            source_kinds=question.kinds,
            term=question.search_term,
            cwds=question.cwd,
            providers=question.model_providers,
            parent_id=question.parent_thread_id,
            ancestor_id=question.ancestor_thread_id,
        ),
    )
    pages: list[Page] = []
    while True:
        page = page_of(read, request, lambda summary: bool(summary.preview))
        pages.append([one.id for one in page.data])
        if page.next_cursor is None:
            return pages
        request = msgspec.structs.replace(request, cursor=page.next_cursor)


def generated_home(folder: Path) -> Path:
    """Make a home of threads that differ in all that a listing sorts and filters by.

    Each file changed last when its turn began: for a thread that files told it of, the client takes the
    one for the other.
    """
    for number in range(1, THREADS + 1):
        minute = number % 60
        changed = _FIRST_CHANGE + number * 7 % THREADS * 60
        rollout = _thread(number, f"2026-11-21T04:{minute:02d}:33.482Z", timestamp_of(changed * 1000))
        is_archived = number % 5 == 0
        day = folder / ("archived_sessions" if is_archived else "sessions/2026/11/21")
        day.mkdir(parents=True, exist_ok=True)
        path = day / rollout.name(f"2026-11-21T04-{minute:02d}-33")
        path.write_bytes(rollout.content)
        os.utime(path, (changed, changed))
    return folder


def _thread(number: int, created_at: str, started_at: str) -> Rollout:
    folder, asked = FOLDERS[number % len(FOLDERS)], f"{WORDS[number % len(WORDS)]} {number}"
    made = thread(
        number,
        "legacy" if number % 2 else "paginated",
        timestamp=created_at,
        source=SOURCES[number % len(SOURCES)] if number % 3 else "cli",
        cwd=folder,
        model_provider="openai" if number % 4 else "other",
    )
    made.record("event_msg", {"type": "task_started", "turn_id": "t"}, timestamp=started_at)
    made.context("t", cwd=folder).user(asked)
    if made.mode == "legacy":
        made.event("user_message", message=asked)
    else:
        made.shows("t", "t-asked", asked, "UserMessage")
    return made.assistant("yes").end("t")


def once(ids: Iterable[str]) -> list[str]:
    """Return ids in their order, each where it stands first."""
    return list(dict.fromkeys(ids))


def flat(pages: list[Page]) -> Page:
    """Return the ids of all pages."""
    return [one for page in pages for one in page]


def was_asked(store: Store, thread_id: str) -> bool:
    """Tell whether a thread's own part of its history holds words of a user."""
    rollouts = store.rollouts()
    files = rollouts.index.files_of(ThreadId(thread_id))
    return any(find_first_words(rollouts, head) is not None for head in iter_heads(rollouts, files))
