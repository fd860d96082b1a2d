"""The published Python client of the protocol, with our server in place of its own: it takes every answer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import REQUIRE_VARIABLE

pytestmark = pytest.mark.interop

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"


@pytest.fixture
def sdk() -> Any:
    """The package, which comes with the extra `interop`."""
    try:
        import openai_codex
    except ImportError as error:
        if os.environ.get(REQUIRE_VARIABLE) == "1":
            pytest.fail(f"openai-codex: {error} ({REQUIRE_VARIABLE}=1)", pytrace=False)
        pytest.skip("openai-codex is not installed")
    return openai_codex


@pytest.fixture(params=["paginated", "forks", "reverts", "legacy"])
def codex(request: pytest.FixtureRequest, sdk: Any, tmp_path: Path) -> Iterator[Any]:
    """A client of our server over a copy of a recorded home."""
    home = shutil.copytree(RECORDED / request.param, tmp_path / "home")
    command = (sys.executable, "-m", "rollout", "--home", str(home), "app-server", "--model", "model-a")
    with sdk.Codex(sdk.CodexConfig(launch_args_override=(*command, "--listen", "stdio://"))) as found:
        process = found._client._proc
        yield found
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()  # it leaves them to the collector


def threads_of(codex: Any) -> list[Any]:
    """Return the threads of the home, as the client lists them."""
    return list(codex.thread_list(model_providers=[], limit=100).data)


def test_it_shakes_hands(codex: Any) -> None:
    """And learns who answers."""
    assert codex.metadata.userAgent.startswith("codex_python_sdk/")


def test_it_lists_reads_and_resumes(codex: Any) -> None:
    """Every answer has the shape that its models ask for, turns and items included."""
    listed = threads_of(codex)
    assert len(listed) >= 7
    for one in listed:
        thread = codex.thread_resume(one.id)
        read = thread.read(include_turns=True).thread
        assert (read.id, read.preview) == (one.id, one.preview)
        assert read.turns


def test_it_forks_names_archives_and_unarchives(codex: Any) -> None:
    """What it changes, it sees."""
    one = threads_of(codex)[0]
    child = codex.thread_fork(one.id)
    child.set_name("From the client")
    assert child.read().thread.name == "From the client"
    assert child.read().thread.forked_from_id == one.id
    codex.thread_archive(child.id)
    assert child.id not in {thread.id for thread in threads_of(codex)}
    assert codex.thread_unarchive(child.id).id == child.id
    assert child.id in {thread.id for thread in threads_of(codex)}


def test_it_starts_a_thread(codex: Any, sdk: Any) -> None:
    """There is no model to run a turn of it, which is said in its own kind of error."""
    thread = codex.thread_start(cwd="/src/app")
    assert thread.read().thread.cwd.root == "/src/app"
    with pytest.raises(sdk.CodexRpcError, match="runs no model"):
        thread.run("Do something.")
