"""Walk through the main job on the bundled recordings, printing each command, its answer and what it means.

usage: show_demo.py PATH_OF_ROLLOUT_COMMAND
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

RECORDED = Path("fixtures/recorded")


def say(text: str) -> None:
    """Print an explanation."""
    print(f"\n# {text}", flush=True)


def run(command: str, home: Path, *arguments: str, is_shown: bool = True) -> str:
    """Run one command, show it and its answer; stop the demo if it fails."""
    if is_shown:
        print("$ " + shlex.join(["rollout", "--home", str(home), *arguments]), flush=True)
    done = subprocess.run(
        [command, "--home", str(home), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "110"},
    )
    if done.returncode != 0:
        raise SystemExit(f"exit status {done.returncode}: {done.stderr}")
    if is_shown:
        print(done.stdout + done.stderr, end="", flush=True)
    return done.stdout


def main() -> None:
    """Show list, resume, pages, a fork, another one and a check."""
    command = sys.argv[1]
    home = RECORDED / "paginated"
    say("The threads of a home that a real client wrote, straight from its files: no database is asked.")
    run(command, home, "list")

    threads = json.loads(run(command, home, "list", "--json", "--limit", "100", is_shown=False))["data"]
    compacted = next(thread["id"] for thread in threads if thread["preview"].startswith("Remember the word"))
    say("Resume one of them. It was compacted, so reading backward stops at that checkpoint.")
    print("# (A file this small is one block; of 54 MB the same resume reads 0.3 MB.)")
    run(command, home, "resume", compacted)
    say("The same with --json: `rollout.context.items` is the input array for a model, as stored.")
    answer = json.loads(run(command, home, "resume", compacted, "--exclude-turns", "--json", is_shown=False))
    context, read = answer["rollout"]["context"], answer["rollout"]["read"]
    print(f"  {len(context['items'])} items, window {context['window']['number']}, path {read['path']!r},")
    print(f"  {read['records']} records looked at, because {read['reason']}")

    say("Its turns, newest first. The cursor leads to the next page, also after the thread has grown.")
    run(command, home, "turns", compacted, "--limit", "2", "--items", "full")
    page = json.loads(run(command, home, "turns", compacted, "--limit", "2", "--json", is_shown=False))
    run(command, home, "turns", compacted, "--limit", "2", "--items", "full", "--cursor", page["nextCursor"])

    forks = RECORDED / "forks"
    threads = json.loads(run(command, forks, "list", "--json", "--limit", "100", is_shown=False))["data"]
    fork = next(thread for thread in threads if thread["forkedFromId"] is not None)
    say("A fork holds only what is its own; its history begins in the file of its parent.")
    run(command, forks, "show", fork["id"])
    run(command, forks, "turns", fork["id"])

    with TemporaryDirectory() as scratch:
        mine = Path(shutil.copytree(forks, Path(scratch) / "home"))
        turns = json.loads(run(command, mine, "turns", fork["id"], "--json", is_shown=False))["data"]
        say("Fork it again, before its newest turn, in a copy of that home: all that is written is a header.")
        run(command, mine, "fork", fork["id"], "--before-turn", turns[0]["id"], "--name", "Another way")
        say("What the child shows is its parents' up to there; link by link, it is what it was forked from.")
        run(command, mine, "turns", "Another way")
        run(command, mine, "check", "Another way", "--lineage")

    say("Check reads every byte, changes nothing, and would list damage with its byte span (exit status 5).")
    run(command, forks, "check")
    say("Done. Point it at a home of your own: rollout --home ~/.codex list")


if __name__ == "__main__":
    main()
