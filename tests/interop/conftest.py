"""Which releases of the reference client can be driven here, found once a run.

A release that cannot be had skips its tests with the release's name and the reason; with
`ROLLOUT_REQUIRE_INTEROP=1` it fails them. The end of the report says which ones were driven.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from refclient.driver import Driver
from refclient.endpoint import StandIn
from refclient.install import Client, Found, Missing, find_clients, release_names
from refclient.rpc import AppServer

from rollout.store.root import open_store
from rollout.store.store import Store
from tests.interop.asked import Answers, ask_home
from tests.interop.live import Live
from tests.interop.ours import is_older

REQUIRE_VARIABLE = "ROLLOUT_REQUIRE_INTEROP"
ROOT = Path(__file__).parents[2]
OUTCOMES: pytest.StashKey[dict[str, str]] = pytest.StashKey()


class Ask(Protocol):
    """Has the client read a copy of a home, and with `compacts` compact every thread of another."""

    def __call__(
        self, home: Path, thread_ids: list[str], *, compacts: bool = False
    ) -> dict[str, Answers]: ...


@pytest.fixture(scope="session")
def found() -> Found:
    """The releases in the cache, after trying to install what is not there."""
    return find_clients(ROOT / ".cache" / "reference-client")


@pytest.fixture(scope="session", params=release_names())
def client(request: pytest.FixtureRequest, found: Found) -> Client:
    """One release of the reference client."""
    outcome: Client | Missing = next(
        each for each in (*found.clients, *found.missing) if each.name == request.param
    )
    outcomes = request.config.stash.setdefault(OUTCOMES, {})
    if isinstance(outcome, Missing):
        outcomes[outcome.name] = f"not driven: {outcome.reason}"
        message = f"{outcome.name}: {outcome.reason}"
        if os.environ.get(REQUIRE_VARIABLE) == "1":
            pytest.fail(f"{message} ({REQUIRE_VARIABLE}=1)", pytrace=False)
        pytest.skip(message)
    outcomes[outcome.name] = f"driven, release {outcome.version}"
    return outcome


@pytest.fixture(scope="session")
def newest(found: Found) -> Client:
    """The newest release of the reference client: older ones show items without their times."""
    client = next((one for one in found.clients if not is_older(one, 0, 169)), None)
    if client is None:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in found.missing)
        if os.environ.get(REQUIRE_VARIABLE) == "1":
            pytest.fail(f"{reasons} ({REQUIRE_VARIABLE}=1)", pytrace=False)
        pytest.skip(reasons)
    return client


@pytest.fixture(scope="session")
def ask(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """A function that puts a home to the client; every home is asked about once."""
    known: dict[Path, dict[str, Answers]] = {}

    def asked(home: Path, thread_ids: list[str], *, compacts: bool = False) -> dict[str, Answers]:
        if home not in known:
            scratch = tmp_path_factory.mktemp(home.name)
            known[home] = ask_home(client, home, thread_ids, scratch, compacts=compacts)
        return known[home]

    return asked


@pytest.fixture(scope="session")
def live(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A running client on a fresh home, in which every test starts threads of its own."""
    folder = tmp_path_factory.mktemp("live")
    (folder / "app").mkdir()
    with StandIn() as endpoint, AppServer(client, folder / "home", endpoint) as server:
        yield Live(client, server, folder / "app")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which releases were driven."""
    for name, outcome in config.stash.get(OUTCOMES, {}).items():
        terminalreporter.write_line(f"reference client {name}: {outcome}")


@pytest.fixture
def store(live: Live) -> Iterator[Store]:
    """Our store over the client's home."""
    with open_store(live.home) as opened:
        yield opened


@pytest.fixture
def driver(live: Live) -> Driver:
    """What makes the client do things."""
    return Driver(live.server, live.workspace)
