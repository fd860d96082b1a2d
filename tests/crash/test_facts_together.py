"""Eight processes that say things of the same threads at once: nobody's words are lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rollout.fs.posix import POSIX
from rollout.ids import ThreadId
from rollout.log.facts import read_facts
from rollout.log.names import read_names
from rollout.store.root import open_store
from tests.builders import thread, uuid
from tests.catalog_home import DiskHome

PROCESSES = 8
ROUNDS = 10
SPEAKER = """
import sys
from rollout.log.facts import FactsPatch, GitPatch
from rollout.log.facts_writing import append_patch
from rollout.store.listing import ListRequest
from rollout.catalog.query import ThreadFilter
from rollout.store.root import open_store
home, one, other, me, rounds = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
with open_store(home) as store:
    fs = store.surroundings().fs
    for number in range(rounds):
        patch = FactsPatch(tags={f"{me}.{number}": True, f"{me}.{number - 1}": None}, cwd=f"/{me}")
        append_patch(fs, home, one, patch, 10 + number, compact_every_bytes=1)
        said = FactsPatch(name=f"{me}.{number}") if me == "0" else FactsPatch(git_info=GitPatch(branch=me))
        store.set_facts(other, said)
        if number % 5 == 0:
            where = ThreadFilter(tags=(f"{me}.{number}",))
            assert [row.id for row in store.catalog.list_threads(ListRequest(where=where)).data] == [one]
"""


def test_no_patch_of_many_processes_is_lost(tmp_path: Path) -> None:
    """Each sets members of its own and some that all set, while the file is compacted and listed."""
    disk = DiskHome(tmp_path)
    for number in (1, 2):
        disk.put(thread(number).turn("Hey"), minute=number)
    arguments = [str(disk.path), uuid(1), uuid(2)]
    running = [
        subprocess.Popen([sys.executable, "-c", SPEAKER, *arguments, str(me), str(ROUNDS)])
        for me in range(PROCESSES)
    ]
    assert [one.wait() for one in running] == [0] * PROCESSES
    facts = read_facts(POSIX, str(disk.path))
    one, other = facts[ThreadId(uuid(1))], facts[ThreadId(uuid(2))]
    assert set(one.tags) == {f"{me}.{ROUNDS - 1}" for me in range(PROCESSES)}
    assert one.cwd in {f"/{me}" for me in range(PROCESSES)}
    assert other.git.branch in {str(me) for me in range(1, PROCESSES)}
    assert read_names(POSIX, str(disk.path))[ThreadId(uuid(2))] == f"0.{ROUNDS - 1}"
    with open_store(disk.path) as store:
        assert store.summary(uuid(2)).name == f"0.{ROUNDS - 1}"
