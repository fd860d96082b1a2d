"""Token totals of a home, beside `ccusage`, which reads the same files.

Not the same work: it reads every file of the home to the end, each time, and adds up by model; we tell the
total that the newest records of one thread hold, from the part of its rollout that a resume reads. Both
totals are compared.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.data import Thread
from benchmark.peer_environments import find_npm_tool
from benchmark.peers_process import children_ms
from benchmark.timed import TimedRow
from benchmark.work import environment

_MS = 1e3
_SECONDS = 120.0


def usage_rows(thread: Thread, peers: Path, rounds: int, say: Callable[[str], None]) -> list[TimedRow]:
    """Return both rows, from whole processes that take turns; without the peer, why it is absent."""
    group = f"token totals of {thread.shape.turns:,} turns, whole process"
    ours = TimedRow("rollout resume --exclude-turns", group=group)
    theirs = TimedRow("ccusage codex session", group=group, peer=ours.key)
    say("peer: ccusage")
    tool = find_npm_tool("ccusage", peers)
    theirs.note = tool.version
    where = ("--home", str(thread.home), "resume", thread.thread_id, "--json", "--exclude-turns")
    command = (sys.executable, "-m", "rollout", *where)
    try:
        if tool.path is None:
            theirs.note = f"absent: {tool.version}: {tool.absence}"
            say(f"ABSENT: {theirs.note}")
        for _ in range(rounds + 1):
            ours_total = _own_total(_run(ours, command, {}))
            if tool.path is not None:
                their_total = _total_of(theirs, tool.path, thread.home)
                theirs.note = f"{tool.version}; {_compared(ours_total, their_total)}"
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        theirs.note = f"FAILED: {tool.version}: {error}"[:300]
        say(theirs.note)
    for row in (ours, theirs):
        del row.samples_ms[:1]  # to warm up
    return [ours, theirs]


def _total_of(row: TimedRow, program: Path, home: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="rollout-bench-") as elsewhere:
        places = {"CODEX_HOME": str(home), "HOME": elsewhere, "NO_COLOR": "1"}
        output = _run(row, (str(program), "codex", "session", "--json", "--offline"), places)
    total: int = json.loads(output)["totals"]["totalTokens"]
    return total


def _own_total(output: bytes) -> int:
    total: int = json.loads(output)["rollout"]["context"]["tokenUsage"]["total"]["totalTokens"]
    return total


def _run(row: TimedRow, command: Sequence[str], places: dict[str, str]) -> bytes:
    begin = time.perf_counter()
    before = children_ms()
    done = subprocess.run(
        command, check=True, capture_output=True, env=environment() | places, timeout=_SECONDS
    )
    row.samples_ms.append((time.perf_counter() - begin) * _MS)
    row.processor_ms.append(children_ms() - before)
    return done.stdout


def _compared(ours: int, theirs: int) -> str:
    if ours == theirs:
        return f"the same total, {theirs:,}; it reads the whole home"
    return f"another total: {theirs:,}, ours {ours:,}; it reads the whole home"
