"""The typed client against real servers, over every transport: each method, and every kind of end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

import rollout
from rollout.client import Client, ServerGone, connect_stdio, connect_unix, connect_websocket, transports
from rollout.client.transports import Child
from rollout.errors import Conflict, InvalidCursor, InvalidRequest, NotFound
from tests.recorded_home import new_thread, said

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "fixtures" / "recorded"
COMMAND = [sys.executable, "-m", "rollout", "app-server"]
TOKEN = "secret"
WAIT_SECONDS = 60

Connect = Callable[[Path], AbstractAsyncContextManager[Client]]
Work = Callable[[Client, Path], Awaitable[None]]


@asynccontextmanager
async def listening(home: Path, where: str, *arguments: str) -> AsyncIterator[str]:
    """Run a server that listens, and yield where it says it does."""
    command = [*COMMAND, "--listen", where, *arguments]
    env = {**os.environ, "ROLLOUT_HOME": str(home), "ROLLOUT_SERVER_TOKEN": TOKEN}
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, env=env)
    assert process.stderr is not None
    try:
        said_where = (await process.stderr.readline()).decode()
        yield said_where.rsplit(maxsplit=1)[-1]
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()


def over_pipes(home: Path) -> AbstractAsyncContextManager[Client]:
    """Start a server for one client."""
    return connect_stdio(COMMAND, home=home)


@asynccontextmanager
async def over_socket(home: Path) -> AsyncIterator[Client]:
    """Reach a server on a local socket."""
    path = home.parent / "s"
    async with listening(home, f"unix://{path}"), connect_unix(path) as client:
        yield client


@asynccontextmanager
async def over_websocket(home: Path) -> AsyncIterator[Client]:
    """Reach a server that asks for a token."""
    async with listening(home, "ws://127.0.0.1:0") as url, connect_websocket(url, token=TOKEN) as client:
        yield client


TRANSPORTS: Sequence[Connect] = (over_pipes, over_socket, over_websocket)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a recorded home; servers are started from where the packages are."""
    monkeypatch.chdir(ROOT)
    return shutil.copytree(RECORDED / "paginated", tmp_path / "home")


def run(home: Path, connect: Connect, work: Work) -> None:
    """Do some work with a client of a home."""

    async def connected() -> None:
        async with asyncio.timeout(WAIT_SECONDS), connect(home) as client:
            await work(client, home)

    asyncio.run(connected(), debug=True)


@pytest.mark.parametrize("connect", TRANSPORTS)
def test_reading_gives_what_the_library_gives(connect: Connect, home: Path) -> None:
    """Threads, turns, items and context of a whole home, asked all at once."""

    async def work(client: Client, home: Path) -> None:
        assert client.home == str(home)
        threads = (await client.list_threads(limit=100)).data
        assert len(threads) == 7
        ids = [one.id for one in threads]
        turns = await asyncio.gather(*(client.turns(one) for one in ids))
        items = await asyncio.gather(*(client.items(one, limit=100) for one in ids))
        contexts = await asyncio.gather(*(client.context(one) for one in ids))
        with rollout.open_store(home) as store:
            for thread_id, page, entries, context in zip(ids, turns, items, contexts, strict=True):
                assert page == store.turns(thread_id, view=rollout.ItemsView.SUMMARY)
                with store.open_thread(thread_id) as thread:
                    assert [one.item for one in entries.data] == [
                        one.item for one in thread.items(limit=100).data
                    ]
                    assert context.input_json() == thread.context().input_json()

    run(home, connect, work)


@pytest.mark.parametrize("connect", TRANSPORTS)
def test_what_another_process_records_is_followed(connect: Connect, home: Path) -> None:
    """From the end, and from a position on: the same records once each."""

    async def work(client: Client, home: Path) -> None:
        with rollout.open_store(home) as store:
            thread_id = new_thread(store)
            offsets: list[int] = []
            async with client.watch(thread_id) as watch:
                start = watch.position
                store.append_turn(thread_id, [said("user", "Hello?"), said("assistant", "Yes.")])
                is_over = False
                while not is_over:
                    found = await anext(watch)
                    offsets += [one.end_offset for one in found.records]
                    is_over = any(b"task_complete" in bytes(one.record) for one in found.records)
        again: list[int] = []
        async with client.watch(thread_id, position=start) as watch:
            while len(again) < len(offsets):
                again += [one.end_offset for one in (await anext(watch)).records]
        assert again == offsets

    run(home, connect, work)


def test_a_thread_is_taken_up_forked_and_reverted(home: Path) -> None:
    """What was made can be asked for at once, and says where it comes from."""

    async def work(client: Client, home: Path) -> None:
        thread_id = (await client.list_threads(sort_key="created_at", limit=100)).data[-1].id
        taken_up = await client.resume_thread(thread_id, exclude_turns=True, turns_limit=2)
        page = taken_up.initial_turns_page
        assert taken_up.thread.turns == []
        assert page is not None
        newest, older = page.data
        child = (await client.fork_thread(thread_id, before_turn_id=newest.id, exclude_turns=True)).thread
        assert child.forked_from_id == thread_id
        assert (await client.turns(child.id, limit=1)).data[0].id == older.id
        assert [one.rollout_id for one in (await client.lineage(child.id)).rollout.segments][-1] == child.id
        assert thread_id in (await client.family(child.id)).parents
        assert [one.id for one in (await client.diff(thread_id, child.id)).a.turns] == [newest.id]
        with pytest.raises(Conflict, match="forked history still references it"):
            await client.delete(thread_id)
        reverted = await client.revert(thread_id, before_turn_id=newest.id)
        assert reverted.turns_backwards_cursor is not None
        assert (await client.turns(thread_id, limit=1)).data[0].id == older.id
        whole = (await client.fork_thread(thread_id, through_turn_id=older.id)).thread
        assert whole.turns[-1].id == older.id

    run(home, over_pipes, work)


def test_threads_are_kept(home: Path) -> None:
    """Named, archived, brought back, checked and deleted; others hear of it."""

    async def work(client: Client, home: Path) -> None:
        thread_id = (await client.list_threads(limit=1)).data[0].id
        async with client.notices() as notices:
            await client.set_name(thread_id, name="Notes")
            await client.archive(thread_id)
            assert (await client.read_thread(thread_id)).name == "Notes"
            assert (await client.list_threads(archived=True)).data[0].id == thread_id
            assert (await client.unarchive(thread_id)).id == thread_id
            assert (await client.check(thread_id)).damaged_spans == 0
            assert (await client.checkpoint(thread_id)).items > 0
            await client.delete(thread_id)
            with pytest.raises(NotFound, match="no rollout found"):
                await client.lineage(thread_id)
            heard = [(await anext(notices)).method for _ in range(4)]
        assert heard == ["thread/name/updated", "thread/archived", "thread/unarchived", "thread/deleted"]

    run(home, over_pipes, work)


def test_what_was_said_is_found(home: Path) -> None:
    """In which threads, and where in one; a page with the turn begins at the cursor."""

    async def work(client: Client, home: Path) -> None:
        thread = (await client.list_threads(limit=1)).data[0]
        term = thread.preview.split(maxsplit=1)[0]
        assert thread.id in [one.thread.id for one in (await client.search(term, limit=100)).data]
        place = (await client.search_thread(thread.id, term)).data[0]
        assert (await client.turns(thread.id, cursor=place.turn_cursor)).data[0].id == place.turn_id
        entries = await client.read_items(thread.id, turn_id=place.turn_id, item_ids=[place.item_id])
        assert [one.item.id for one in entries] == [place.item_id]

    run(home, over_pipes, work)


def test_a_thread_is_started_and_let_go(home: Path) -> None:
    """It can be recorded by its id at once."""

    async def work(client: Client, home: Path) -> None:
        made = await client.start_thread(cwd="/src/app", model="model-a")
        assert (made.cwd, made.model) == ("/src/app", "model-a")
        with rollout.open_store(home) as store:
            store.append_turn(made.thread.id, [said("user", "Hello?")])
        assert (await client.read_thread(made.thread.id, include_turns=True)).turns[0].status == "completed"
        assert await client.unsubscribe(made.thread.id) == "unsubscribed"

    run(home, over_pipes, work)


def test_refusals_are_the_errors_of_the_library(home: Path) -> None:
    """By family, with what to do next."""

    async def work(client: Client, home: Path) -> None:
        thread_id = (await client.list_threads(limit=1)).data[0].id
        with pytest.raises(InvalidRequest, match="invalid thread id"):
            await client.turns("nonsense")
        with pytest.raises(InvalidCursor) as caught:
            await client.turns(thread_id, cursor="nonsense")
        assert caught.value.hint is not None
        with pytest.raises(NotFound, match="turn not found"):
            await client.fork_thread(thread_id, before_turn_id="nonsense")

    run(home, over_pipes, work)


def test_a_server_that_dies_is_told_of(home: Path) -> None:
    """With the signal that killed it, to whoever waits and whoever asks later."""

    async def work(client: Client, home: Path) -> None:
        child = client._connection._transport
        assert isinstance(child, Child)
        thread_id = (await client.list_threads(limit=1)).data[0].id
        async with client.watch(thread_id) as watch:
            child._process.kill()
            with pytest.raises(ServerGone, match="killed by signal 9"):
                await anext(watch)
            with pytest.raises(ServerGone, match="killed by signal 9"):
                await client.list_threads()

    run(home, over_pipes, work)


def test_a_server_that_takes_and_gives_nothing_is_ended(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving does not wait for what it will never read: it is terminated, then killed."""
    monkeypatch.setattr(transports, "_EXIT_SECONDS", 0.2)

    async def work(client: Client, home: Path) -> None:
        child = client._connection._transport
        assert isinstance(child, Child)
        child._process.send_signal(signal.SIGSTOP)
        asking = [asyncio.ensure_future(client.set_name("x", name="y" * 1_000_000)) for _ in range(4)]
        await asyncio.sleep(0)
        await client.close()
        assert child._process.returncode == -signal.SIGKILL
        assert all(
            isinstance(one, ServerGone) for one in await asyncio.gather(*asking, return_exceptions=True)
        )

    run(home, over_pipes, work)


def test_a_server_that_cannot_be_reached_is_told_of(home: Path, tmp_path: Path) -> None:
    """What was tried, and what to do next."""
    tries: list[tuple[AbstractAsyncContextManager[Client], str]] = [
        (connect_stdio([str(tmp_path / "nothing")]), "starting .*nothing: No such file"),
        (connect_stdio([sys.executable, "-m", "rollout", "nope"], home=home), "status 2, saying: .*nope"),
        (connect_unix(tmp_path / "nobody"), "connecting to .*nobody"),
        (connect_websocket("ws://127.0.0.1:1"), "connecting to ws://127"),
    ]
    for connecting, words in tries:

        async def come(connecting: AbstractAsyncContextManager[Client] = connecting) -> None:
            async with connecting:
                pass

        with pytest.raises(ServerGone, match=words) as caught:
            asyncio.run(come(), debug=True)
        assert caught.value.hint is not None


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_token_that_is_not_right_is_told_of(home: Path, token: str | None) -> None:
    """It is the call that has to be mended."""

    async def come() -> None:
        async with listening(home, "ws://127.0.0.1:0") as url:
            with pytest.raises(InvalidRequest, match="a bearer token is needed"):
                await connect_websocket(url, token=token).__aenter__()

    asyncio.run(come(), debug=True)


def test_an_address_that_is_none_is_refused() -> None:
    """Before anything is tried."""

    async def come() -> None:
        async with connect_websocket("http://127.0.0.1:1"):
            pass

    with pytest.raises(InvalidRequest, match="connecting to http"):
        asyncio.run(come())


def test_records_are_the_stored_lines(home: Path) -> None:
    """As they are, so that a client needs no other reader."""

    async def work(client: Client, home: Path) -> None:
        with rollout.open_store(home) as store:
            thread_id = new_thread(store)
        lineage = await client.lineage(thread_id)
        path = Path(lineage.rollout.segments[-1].path)
        position = msgspec.convert({"rolloutId": thread_id, "endOffset": 0}, type=rollout.client.Position)
        async with client.watch(thread_id, position=position) as watch:
            found = await anext(watch)
        assert b"".join(bytes(one.record) + b"\n" for one in found.records) == path.read_bytes()

    run(home, over_pipes, work)
