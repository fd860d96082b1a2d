"""Our typed client with the reference client's own server: one client for both."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from refclient.endpoint import StandIn
from refclient.home import environment, write_config
from refclient.install import Client as Release

from rollout.client import connect_stdio
from rollout.errors import InvalidRequest, NotFound
from rollout.turns.model import Turn
from rollout.turns.paging import ItemsView

pytestmark = pytest.mark.interop

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"
NOBODY = "01a1fc4b-0000-7000-8000-00000000ffff"


@pytest.mark.parametrize("recorded", ["paginated", "forks", "legacy"])
def test_the_reference_server_is_spoken_to(recorded: str, client: Release, tmp_path: Path) -> None:
    """Lists, resumes, pages, forks and names; its answers are validated, its refusals have families."""
    home = shutil.copytree(RECORDED / recorded, tmp_path / "home")

    async def work() -> None:
        command = [str(client.binary), "app-server"]
        async with connect_stdio(command, home=home, env=environment(home)) as server:
            assert server.home == str(home)
            threads = (await server.list_threads(limit=100, model_providers=[])).data
            turns: list[Turn] = []
            for thread in threads:
                taken_up = await server.resume_thread(thread.id, exclude_turns=True)
                assert taken_up.thread.id == thread.id
                turns += (await server.turns(thread.id, view=ItemsView.FULL)).data
                child = await server.fork_thread(thread.id)
                await server.set_name(child.thread.id, name="Notes")
                assert (await server.read_thread(child.thread.id)).name == "Notes"
            assert any(turn.items for turn in turns)
            with pytest.raises(NotFound):
                await server.resume_thread(NOBODY)
            with pytest.raises(InvalidRequest):
                await server.lineage(threads[0].id)

    with StandIn() as endpoint:
        write_config(home, endpoint.base_url)
        asyncio.run(work(), debug=True)
