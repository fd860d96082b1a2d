"""Make the whole fixture tree: run the scenarios, scrub, record expectations, write provenance.

Recording runs in neutral folders under `/tmp/rollout-fixtures`, because their paths end up in the
records. Only rollouts, the name index and `expected/` reach the output.
"""

import datetime as dt
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from refclient.capture import copy_home
from refclient.compression import compress
from refclient.driver import Driver
from refclient.endpoint import StandIn
from refclient.expectations import record_home
from refclient.install import Client
from refclient.provenance import RECORDER_VERSION, checksums
from refclient.rpc import AppServer
from refclient.scenarios import HOMES, HomePlan
from refclient.scrub import scrub_home
from refclient.shapes import JsonObject

NEUTRAL_ROOT = Path("/tmp/rollout-fixtures")


@dataclass(frozen=True)
class RecordedHome:
    """A finished home: what its threads are, and how long the replaced client texts were."""

    threads: dict[str, str]
    replaced_bytes: list[int]


def record_all(client: Client, out: Path) -> None:
    """Record every home into `out`, replacing what is there."""
    homes = {plan.name: record_plan(client, plan, out / plan.name) for plan in HOMES}
    provenance: JsonObject = {
        "client_version": client.version,
        "recorder_version": RECORDER_VERSION,
        "recorded_on": dt.datetime.now(dt.UTC).date().isoformat(),
        "homes": {
            name: {"threads": home.threads, "replaced_text_bytes": home.replaced_bytes}
            for name, home in homes.items()
        },
        "files": checksums(out),
    }
    write_json(out / "PROVENANCE.json", provenance)


def record_plan(client: Client, plan: HomePlan, out: Path) -> RecordedHome:
    """Record one home into `out`."""
    with tempfile.TemporaryDirectory(prefix="rollout-recording-") as folder:
        scratch = Path(folder)
        live = NEUTRAL_ROOT / "home"
        threads = _run(client, plan, live)
        texts = scrub_home(live)
        rollouts = copy_home(live, scratch / "rollouts")
        if plan.is_compressed:
            compress(client, rollouts)
            rollouts = copy_home(rollouts, scratch / "compressed")  # leaves the databases behind
        answers = record_home(client, live, rollouts, list(threads), scratch)
        shutil.rmtree(live)
        for text in texts:
            assert json.dumps(text)[1:-1] not in json.dumps(answers), "a client text came back"
        if out.exists():
            shutil.rmtree(out)
        copy_home(rollouts, out)
        for name, answer in answers.items():
            write_json(out / "expected" / f"{name}.json", answer)
    return RecordedHome(threads, [len(text.encode()) for text in texts])


def write_json(path: Path, value: JsonObject) -> None:
    """Write a JSON file in the one layout of the fixtures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def _run(client: Client, plan: HomePlan, home: Path) -> dict[str, str]:
    """Run a plan's scenarios in a fresh `home`; return thread ids with descriptions."""
    workspace = NEUTRAL_ROOT / "app"
    for folder in (home, workspace):
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    threads: dict[str, str] = {}
    with StandIn() as endpoint, AppServer(client, home, endpoint) as server:
        driver = Driver(server, workspace)
        for scenario in plan.scenarios:
            threads.update(scenario(driver))
        assert not endpoint.has_unused_replies, f"{plan.name}: the script was not used up"
        assert not endpoint.refusals, f"{plan.name}: unexpected requests {endpoint.refusals}"
    return threads
