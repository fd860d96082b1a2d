"""Many processes over one catalog at once: each records, finds out, rebuilds, lists, and says things.

usage of one: python -m soaking.catalog HOME SECONDS SEED SHARED
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

import rollout
from rollout.store.listing import ListRequest
from soaking.killed import TOOLS, new_thread
from soaking.turns import record_turn


class CatalogOutcome(NamedTuple):
    """What the processes did."""

    refreshes: int
    threads: int


def soak_catalog(home: Path, seconds: float, processes: int) -> CatalogOutcome:
    """Let them all run; raise AssertionError on any error, or when rows are not what the files say."""
    shared = new_thread(home)
    command = [sys.executable, "-W", "error", "-m", "soaking.catalog", str(home), str(seconds)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TOOLS), str(TOOLS.parent)])}
    running = [
        subprocess.Popen(
            [*command, str(seed), shared], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        for seed in range(processes)
    ]
    told = [process.communicate() for process in running]
    for process, (_, errors) in zip(running, told, strict=True):
        assert process.returncode == 0, errors.decode()
    aside = list((home / ".rollout" / "catalog").glob("*.aside"))
    assert not aside, f"set aside: {aside}"
    with rollout.open_store(home) as store:
        where = rollout.ThreadFilter(source_kinds=("cli",))
        for sort in rollout.SortKey:
            request = ListRequest(100, sort=sort, where=where)
            rows, files = store.catalog.page_of_rows(request), store.catalog.page_of_files(request)
            assert rows == files, f"by {sort}: rows and files differ"
            assert rows is not None
        done = [int(output) for output, _ in told]
        tags = {f"{seed}-{number}" for seed, number in enumerate(done) if number}
        assert set(store.facts(shared).tags) == tags, "what somebody said was lost"
        return CatalogOutcome(sum(done), len(rows.data))


def _say(store: rollout.Store, shared: str, seed: str, number: int) -> None:
    """Give the thread that all speak of another tag of ours, and find it by that."""
    tag = f"{seed}-{number}"
    store.set_facts(shared, rollout.FactsPatch(tags={tag: True, f"{seed}-{number - 1}": None}))
    page = store.catalog.page_of_rows(ListRequest(where=rollout.ThreadFilter(tags=(tag,))))
    assert page is not None
    assert [row.id for row in page.data] == [shared], "not found by its tag"


def _work(home: Path, ends_at: float, seed: str, shared: str) -> int:
    """Return how often the catalog was brought up to date, and something said."""
    random = Random(int(seed))
    done = 0
    number = 0
    while time.monotonic() < ends_at:
        thread_id = new_thread(home)
        with rollout.open_store(home) as store:
            for _ in range(random.randint(1, 6)):
                with store.record(thread_id) as recorder:
                    record_turn(recorder, number)
                number += 1
                catalog = store.catalog.get()
                way = random.random()
                if way < 0.4:
                    with store.open_thread(thread_id) as thread:
                        catalog.refresh_file(thread.files()[-1].path)
                elif way < 0.5:
                    catalog.rebuild(random.choice(["threads", "turns"]))
                else:
                    catalog.refresh()
                done += 1
                _say(store, shared, seed, done)
                where = rollout.ThreadFilter(source_kinds=("cli",))
                page = store.catalog.page_of_rows(ListRequest(100, where=where))
                assert page is not None
                assert thread_id in {row.id for row in page.data} or len(page.data) == 100, "not listed"
    return done


def main() -> None:
    """Work as the arguments say, and say how often the catalog was brought up to date."""
    home, seconds, seed, shared = sys.argv[1:]
    print(_work(Path(home), time.monotonic() + float(seconds), seed, shared))


if __name__ == "__main__":
    main()
