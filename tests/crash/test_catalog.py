"""A catalog after a process was killed, and with many processes at once: the rows are those of the logs."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.catalog.query import ThreadFilter
from rollout.store.listing import ListRequest
from rollout.store.root import open_store
from tests.builders import thread
from tests.catalog_home import DiskHome, rows_of

THREADS = 40
PROCESSES = 8
ROUNDS = 4

KILLED = """
import os, sys
from rollout.catalog import refresh, settle
from rollout.store.root import open_store

module, name = {
    "begin": (refresh, "transaction"),
    "settle": (settle, "_find_name"),
    "write": (settle, "write_threads"),
}[sys.argv[2]]
real, left = getattr(module, name), [int(sys.argv[3])]

def dies(*arguments):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
    return real(*arguments)

setattr(module, name, dies)
refresh._BATCH_FILES = 8
with open_store(sys.argv[1]) as store:
    store.catalog.rebuild()
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskHome]:
    """A home of some threads, a few of which stand on others."""
    home = DiskHome(tmp_path)
    for number in range(1, THREADS):
        rollout = thread(number).turn(f"Question {number}")
        home.put(rollout)
        if number % 7 == 0:
            home.put(rollout.fork(100 + number))
    yield home
    home.close()


def environment() -> dict[str, str]:
    """Return one in which a process finds what this one finds."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.parametrize(
    ("where", "after"), [("begin", 0), ("begin", 2), ("settle", 3), ("settle", 30), ("write", 2)]
)
def test_what_a_killed_refresh_leaves_is_gone_on_from(
    disk: DiskHome, tmp_path: Path, where: str, after: int
) -> None:
    """Between two transactions, and in the middle of one: nothing is half there, and nothing is forgotten."""
    command = [sys.executable, "-c", KILLED, str(disk.path), where, str(after)]
    ran = subprocess.run(command, check=False, timeout=120, env=environment(), capture_output=True)
    assert ran.returncode == 9, ran.stderr
    catalog = disk.catalog()
    catalog.refresh()
    anew = disk.catalog(state=tmp_path / "anew")
    anew.refresh()
    assert rows_of(catalog) == rows_of(anew)
    assert list(disk.database.parent.glob("*.aside")) == []


def work(home: str, number: int, failures: multiprocessing.Queue[str]) -> None:
    """Record, be told, refresh and list, some times over."""
    try:
        rollout = thread(200 + number)
        folder = Path(home) / "sessions/2026/11/22"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / rollout.name()
        with open_store(home) as store:
            for turn in range(ROUNDS):
                path.write_bytes(rollout.turn(f"Question {turn} of {number}").content)
                catalog = store.catalog.get()
                if turn % 2:
                    catalog.refresh_file(str(path))
                else:
                    catalog.refresh()
                where = ThreadFilter(term=f"Question 0 of {number}")
                page = store.catalog.page_of_rows(ListRequest(where=where))
                assert page is not None
                assert [row.id for row in page.data] == [rollout.thread_id], (turn, page.data)
                if turn == 1:
                    catalog.rebuild("turns")
    except BaseException as error:
        failures.put(f"{number}: {error!r}")
        raise


def test_many_processes_lose_nothing_and_wait_for_each_other(disk: DiskHome, tmp_path: Path) -> None:
    """Each finds what it wrote at once; nobody is told that the database is locked; all rows are right."""
    context = multiprocessing.get_context("spawn")
    failures: multiprocessing.Queue[str] = context.Queue()
    workers = [
        context.Process(target=work, args=(str(disk.path), number, failures)) for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=240)
    found = [] if failures.empty() else [failures.get()]
    failures.close()
    assert found == []
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    catalog = disk.catalog()
    catalog.refresh()
    anew = disk.catalog(state=tmp_path / "anew")
    anew.refresh()
    assert rows_of(catalog) == rows_of(anew)
    assert list(disk.database.parent.glob("*.aside")) == []
