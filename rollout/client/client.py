"""The methods of a server, one function each: keyword-only, typed, validated.

Reads and changes of one thread are done by the server in the order they were asked; others side by side,
so many may be awaited at once. Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from msgspec import Raw

from rollout.client import answers
from rollout.client.connection import Connection, Transport
from rollout.client.following import Following, Notices, Position, Watch
from rollout.client.refusals import read_answer
from rollout.turns.model import Turn
from rollout.turns.paging import ItemsView, Page, SortDirection
from rollout.version import VERSION
from rollout.wire.families import FamilyTree, ThreadDiff
from rollout.wire.findings import Checked

T = TypeVar("T")

_NAME: Final = "rollout-client"


class Client:
    """A server's client, as `connect_stdio`, `connect_unix` and `connect_websocket` lend it.

    Every method raises what the server refuses with, as the library would: NotFound, InvalidRequest,
    Conflict, DamagedLog and so on; NoAnswer after the timeout, ServerGone when the connection has ended.
    Awaiting may be cancelled; what was asked may then be done or not. For one event loop.
    """

    def __init__(self, transport: Transport, *, timeout_seconds: float | None = None) -> None:
        self._following = Following()
        self._connection = Connection(
            transport,
            timeout_seconds=timeout_seconds,
            take_note=self._following.take_note,
            take_end=self._following.take_end,
        )
        self.home = ""
        """The home that is served, as the server names it."""

    async def shake_hands(self) -> None:
        """Initialize the connection; `connect_…` has done so."""
        asked = {
            "clientInfo": {"name": _NAME, "version": VERSION},
            "capabilities": {"experimentalApi": True},
        }
        self.home = (await self._ask("initialize", answers.Greeting, **asked)).codex_home
        await self._connection.say("initialized")

    async def close(self) -> None:
        """Let go of the connection. Idempotent."""
        await self._connection.close()

    async def _ask(self, method: str, answer: type[T], /, **params: Any) -> T:
        """Return a validated answer. Members that are None are not sent."""
        given = {name: value for name, value in params.items() if value is not None}
        return read_answer(method, await self._connection.ask(method, given), answer)

    async def ask(self, method: str, /, **params: Any) -> Raw:
        """Return the answer of any method, as JSON: of those without a function here, and of later ones."""
        return await self._connection.ask(method, params)

    async def list_threads(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort_key: str | None = None,
        sort_direction: SortDirection | None = None,
        archived: bool | None = None,
        cwd: str | Sequence[str] | None = None,
        search_term: str | None = None,
        source_kinds: Sequence[str] | None = None,
        model_providers: Sequence[str] | None = None,
        parent_thread_id: str | None = None,
        ancestor_thread_id: str | None = None,
        excluded_thread_ids: Sequence[str] | None = None,
    ) -> answers.ThreadPage:
        """Return one page of threads, newest first, by `created_at`, `updated_at` or `recency_at`."""
        return await self._ask(
            "thread/list",
            answers.ThreadPage,
            limit=limit,
            cursor=cursor,
            sortKey=sort_key,
            sortDirection=sort_direction,
            archived=archived,
            cwd=cwd,
            searchTerm=search_term,
            sourceKinds=source_kinds,
            modelProviders=model_providers,
            parentThreadId=parent_thread_id,
            ancestorThreadId=ancestor_thread_id,
            excludedThreadIds=excluded_thread_ids,
        )

    async def read_thread(self, thread_id: str, *, include_turns: bool = False) -> answers.Thread:
        """Return one thread, archived ones too, with all of its turns when they are asked for."""
        found = await self._ask(
            "thread/read", answers.ThreadOf, threadId=thread_id, includeTurns=include_turns
        )
        return found.thread

    async def start_thread(
        self, *, cwd: str | None = None, model: str | None = None, model_provider: str | None = None
    ) -> answers.Settled:
        """Make a new, empty thread; it is listed once a user said something."""
        return await self._ask(
            "thread/start", answers.Settled, cwd=cwd, model=model, modelProvider=model_provider
        )

    async def resume_thread(
        self,
        thread_id: str,
        *,
        exclude_turns: bool = False,
        turns_limit: int | None = None,
        turns_view: ItemsView | None = None,
        cwd: str | None = None,
        model: str | None = None,
    ) -> answers.TakenUp:
        """Take a thread up again. With `exclude_turns` it costs the same at any length.

        `turns_limit` brings the newest turns along as `initial_turns_page`, newest first. `cwd` and `model`
        are recorded where they differ from what is.
        """
        page: dict[str, Any] | None = None
        if turns_limit is not None or turns_view is not None:
            page = {"limit": turns_limit, "itemsView": turns_view}
        return await self._ask(
            "thread/resume",
            answers.TakenUp,
            threadId=thread_id,
            excludeTurns=exclude_turns,
            initialTurnsPage=page,
            cwd=cwd,
            model=model,
        )

    async def turns(
        self,
        thread_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        direction: SortDirection | None = None,
        view: ItemsView | None = None,
    ) -> Page[Turn]:
        """Return one page of turns, newest first and summarised unless told otherwise."""
        return await self._ask(
            "thread/turns/list",
            Page[Turn],
            threadId=thread_id,
            limit=limit,
            cursor=cursor,
            sortDirection=direction,
            itemsView=view,
        )

    async def items(
        self,
        thread_id: str,
        *,
        turn_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        direction: SortDirection | None = None,
    ) -> Page[answers.ItemEntry]:
        """Return one page of items of a thread or of one of its turns, oldest first unless told otherwise."""
        return await self._ask(
            "thread/items/list",
            Page[answers.ItemEntry],
            threadId=thread_id,
            turnId=turn_id,
            limit=limit,
            cursor=cursor,
            sortDirection=direction,
        )

    async def read_items(
        self, thread_id: str, *, turn_id: str, item_ids: Sequence[str]
    ) -> list[answers.ItemEntry]:
        """Return items of one turn by their ids, 1 to 100, in stored order."""
        found = await self._ask(
            "thread/items/read", answers.DataOf, threadId=thread_id, turnId=turn_id, itemIds=item_ids
        )
        return found.data

    async def fork_thread(
        self,
        thread_id: str,
        *,
        through_turn_id: str | None = None,
        before_turn_id: str | None = None,
        exclude_turns: bool = False,
        cwd: str | None = None,
        model: str | None = None,
    ) -> answers.Settled:
        """Make a thread that goes on where another stands, through or before a turn; durable on return."""
        return await self._ask(
            "thread/fork",
            answers.Settled,
            threadId=thread_id,
            lastTurnId=through_turn_id,
            beforeTurnId=before_turn_id,
            excludeTurns=exclude_turns,
            cwd=cwd,
            model=model,
        )

    async def set_name(self, thread_id: str, *, name: str) -> None:
        """Give a thread a name."""
        await self._ask("thread/name/set", answers.Nothing, threadId=thread_id, name=name)

    async def archive(self, thread_id: str) -> None:
        """Move a thread and those it spawned to the archive."""
        await self._ask("thread/archive", answers.Nothing, threadId=thread_id)

    async def unarchive(self, thread_id: str) -> answers.Thread:
        """Move a thread back, and return it."""
        return (await self._ask("thread/unarchive", answers.ThreadOf, threadId=thread_id)).thread

    async def delete(self, thread_id: str) -> None:
        """Delete a thread and those it spawned. Raise Conflict while a fork rests on it."""
        await self._ask("thread/delete", answers.Nothing, threadId=thread_id)

    async def revert(self, thread_id: str, *, before_turn_id: str) -> answers.Reverted:
        """Let a thread that this client resumed, started or forked end before one of its turns."""
        return await self._ask(
            "thread/revert", answers.Reverted, threadId=thread_id, beforeTurnId=before_turn_id
        )

    async def unsubscribe(self, thread_id: str) -> str:
        """Let go of a thread that was resumed; return `unsubscribed`, `notSubscribed` or `notLoaded`."""
        return (await self._ask("thread/unsubscribe", answers.StatusOf, threadId=thread_id)).status

    async def search(
        self,
        term: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        archived: bool | None = None,
        source_kinds: Sequence[str] | None = None,
    ) -> Page[answers.SearchMatch]:
        """Return one page of the threads in whose newest rollout a term was said, newest first."""
        return await self._ask(
            "thread/search",
            Page[answers.SearchMatch],
            searchTerm=term,
            limit=limit,
            cursor=cursor,
            archived=archived,
            sourceKinds=source_kinds,
        )

    async def search_thread(
        self, thread_id: str, term: str, *, limit: int | None = None, cursor: str | None = None
    ) -> answers.OccurrencePage:
        """Return one page of the places of a paginated thread in which a term was said."""
        return await self._ask(
            "thread/searchOccurrences",
            answers.OccurrencePage,
            threadId=thread_id,
            searchTerm=term,
            limit=limit,
            cursor=cursor,
        )

    async def context(
        self, thread_id: str, *, full_replay: bool = False, allow_damage: bool = False
    ) -> answers.ContextRead:
        """Return what a model is given to continue a thread; `input_json()` is the array to send."""
        return await self._ask(
            "rollout/context/read",
            answers.ContextRead,
            threadId=thread_id,
            fullReplay=full_replay,
            allowDamage=allow_damage,
        )

    async def lineage(self, thread_id: str) -> answers.Lineage:
        """Return a thread and the parts of rollouts that make up its history, oldest first."""
        return await self._ask("rollout/lineage/read", answers.Lineage, threadId=thread_id)

    async def family(self, thread_id: str) -> FamilyTree:
        """Return all threads that a thread is related to by forks, parents before their children."""
        return await self._ask("rollout/family/read", FamilyTree, threadId=thread_id)

    async def diff(self, thread_id: str, other_thread_id: str, *, allow_damage: bool = False) -> ThreadDiff:
        """Return what parts two threads."""
        return await self._ask(
            "rollout/thread/diff",
            ThreadDiff,
            threadId=thread_id,
            otherThreadId=other_thread_id,
            allowDamage=allow_damage,
        )

    async def check(self, thread_id: str) -> Checked:
        """Have all of a thread's files read, and return what is wrong with each."""
        return await self._ask("rollout/thread/check", Checked, threadId=thread_id)

    async def checkpoint(self, thread_id: str) -> answers.Kept:
        """Keep what a resume needs, so that it need not read further back."""
        return await self._ask("rollout/thread/checkpoint", answers.Kept, threadId=thread_id)

    def watch(self, thread_id: str, *, position: Position | None = None) -> Watch:
        """Follow a thread from its end, or from behind what is known of it.

        async with client.watch(thread_id) as watch:
            async for news in watch: ...  # .records, .turn_ids, .position
        """
        return Watch(self._connection, self._following, thread_id, position)

    def notices(self) -> Notices:
        """Hear of threads that are started, renamed, archived, deleted or reverted, from now on."""
        return Notices(self._following)
