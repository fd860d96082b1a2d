"""What every command prints, held to the letter: `golden/<case>.txt`.

Set ROLLOUT_UPDATE_GOLDEN=1 to write the files anew, then read the difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.cli.app import COMMANDS
from tests.cli.conftest import AGENTS, ALTERED, ALTERED_THREAD, Runner

GOLDEN = Path(__file__).parent / "golden"
COMPACTED = "01a1fc4a-eed9-7372-ad87-67b51b152b80"
TOOLS = "01a1fc4a-ed31-7dd2-9f8f-1ce800c09507"
AGENT = "01a1fc4b-0000-7000-8000-000000000002"
FORK = "01a1fc4b-17cf-7683-9acc-31153677c970"
FORKED = "01a1fc4b-1421-7593-9968-e42ed4b5c9b4"
FAILED = "01a1fc4a-f14e-7b03-889a-dd6ec3233954"
CURSOR = (
    '{"requestedThreadId":"'
    + COMPACTED
    + '","rolloutOrdinal":43,"includeAnchor":false,"scope":{"kind":"turns"}}'
)
ROOT = "01a1fc4b-16b5-7d93-9aa8-b874e11d36be"
FIRST_TURN = "01a1fc4b-16ba-7c82-87b9-a01967c56a80"
SECOND_TURN = "01a1fc4b-16f3-7fd3-97df-31d5f5179705"
NO_HOME = "-"
MINTED = re.compile(r"\b(?!01a1f[bc])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
"""An id that was made while the test ran: not one of the recordings."""

CASES: dict[str, tuple[str, list[str]]] = {
    "help": (NO_HOME, ["--help"]),
    "no-arguments": (NO_HOME, []),
    **{f"help-{command}": (NO_HOME, [command, "--help"]) for command in COMMANDS},
    "list": ("paginated", ["list"]),
    "list-archived": ("paginated", ["list", "--archived", "--sort", "updated"]),
    "list-page": ("forks", ["list", "--limit", "2"]),
    "list-filtered": ("forks", ["list", "--source", "vscode", "--title", "e", "--limit", "2"]),
    "list-filtered-json": ("paginated", ["list", "--cwd", "/nowhere", "--json"]),
    "list-bad-date": ("paginated", ["list", "--since", "yesterday"]),
    "rebuild": ("forks", ["rebuild"]),
    "rebuild-json": ("forks", ["rebuild", "--domain", "turns", "--json"]),
    "stats": ("forks", ["stats"]),
    "stats-json": ("forks", ["stats", "--json"]),
    "search": ("paginated", ["search", "remember"]),
    "search-none": ("paginated", ["search", "zebra", "OR", "yak*"]),
    "search-tools": ("paginated", ["search", "shell", "--in", "tool", "--limit", "1"]),
    "search-json": ("forks", ["search", "red", "--limit", "1", "--json"]),
    "search-bad": ("paginated", ["search", "(apple", "OR"]),
    "search-bad-json": ("paginated", ["search", '"apple', "--json"]),
    "search-nowhere": ("paginated", ["--state-dir", "", "search", "apple"]),
    "list-json": ("paginated", ["list", "--limit", "1", "--json"]),
    "show": ("forks", ["show", FORK]),
    "show-json": ("forks", ["show", FORK, "--json"]),
    "turns": ("paginated", ["turns", COMPACTED, "--limit", "2"]),
    "turns-next": ("paginated", ["turns", COMPACTED, "--limit", "2", "--cursor", CURSOR]),
    "turns-full": ("paginated", ["turns", TOOLS, "--items", "full", "--sort", "asc"]),
    "turns-failed": ("paginated", ["turns", FAILED]),
    "turns-json": ("paginated", ["turns", COMPACTED, "--limit", "1", "--json"]),
    "turns-legacy": ("legacy", ["turns", "--last", "--limit", "1"]),
    "items": ("paginated", ["items", TOOLS, "--limit", "5"]),
    "items-json": ("paginated", ["items", COMPACTED, "--limit", "1", "--json"]),
    "resume": ("paginated", ["resume", COMPACTED]),
    "resume-fork": ("forks", ["resume", FORK, "--exclude-turns"]),
    "resume-full": ("paginated", ["resume", COMPACTED, "--full-replay", "--exclude-turns"]),
    "resume-json": ("paginated", ["resume", COMPACTED, "--exclude-turns", "--initial-turns", "1", "--json"]),
    "resume-compressed": ("compressed", ["resume", "01a1fc4b-e8b2", "--exclude-turns"]),
    "fork": ("forks", ["fork", ROOT, "--name", "Try the other fix"]),
    "fork-before": (
        "forks",
        ["fork", ROOT, "--before-turn", SECOND_TURN, "--cwd", "/src/other", "--model", "m"],
    ),
    "fork-first": ("forks", ["fork", ROOT, "--before-turn", FIRST_TURN]),
    "fork-json": ("forks", ["fork", ROOT, "--last-turn", FIRST_TURN, "--json"]),
    "fork-json-excluded": ("legacy", ["fork", "--last", "--exclude-turns", "--json"]),
    "fork-both": ("forks", ["fork", ROOT, "--before-turn", FIRST_TURN, "--last-turn", SECOND_TURN]),
    "fork-unknown-turn": ("forks", ["fork", ROOT, "--last-turn", COMPACTED, "--json"]),
    "fork-not-found": ("forks", ["fork", "no such name"]),
    "check-lineage": ("forks", ["check", FORK, "--lineage"]),
    "check-lineage-json": (ALTERED, ["check", ALTERED_THREAD, "--lineage", "--json"]),
    "check-lineage-altered": (ALTERED, ["check", ALTERED_THREAD, "--lineage"]),
    "tree": ("forks", ["tree", "01a1fc4b-1538"]),
    "tree-json": ("forks", ["tree", "01a1fc4b-15f9", "--json"]),
    "tree-reverts": ("reverts", ["tree", "01a1fc4b-67fa"]),
    "tree-legacy": ("legacy-forks", ["tree", "01a1fc4b-bab9"]),
    "tree-agents": (AGENTS, ["tree", "--agents", AGENT]),
    "tree-agents-json": (AGENTS, ["tree", "--agents", AGENT, "--json"]),
    "tree-agents-missing": (AGENTS, ["tree", "--agents", "01a1fc4b-0000-7000-8000-000000000005"]),
    "tree-agents-none": ("forks", ["tree", "--agents", "01a1fc4b-1538"]),
    "tree-not-found": ("forks", ["tree", "01a1fc4b-ffff-7000-8000-000000000000"]),
    "diff": ("forks", ["diff", "01a1fc4b-14e2", "01a1fc4b-1538"]),
    "diff-ancestor": ("forks", ["diff", "01a1fc4b-1538", "01a1fc4b-15f9"]),
    "diff-json": ("forks", ["diff", "01a1fc4b-1525", "01a1fc4b-14e2", "--json"]),
    "diff-reverted": ("reverts", ["diff", "01a1fc4b-66d0", "01a1fc4b-685c"]),
    "diff-copy": ("legacy-forks", ["diff", "01a1fc4b-b929", "01a1fc4b-ba12"]),
    "diff-unrelated": ("forks", ["diff", "01a1fc4b-1421", "01a1fc4b-17cf", "--json"]),
    "check": ("reverts", ["check"]),
    "check-thread": ("reverts", ["check", "01a1fc4b-66d0", "--json"]),
    "set": (
        "forks",
        [
            "set",
            FORK,
            "--name",
            " Try it ",
            "--pin",
            "--tag",
            "b",
            "--tag",
            "a",
            "--branch",
            "x",
            "--unset",
            "sha",
        ],
    ),
    "set-json": ("forks", ["set", FORK, "--cwd", "/moved", "--memory-mode", "disabled", "--json"]),
    "set-nothing": ("forks", ["set", FORK, "--json"]),
    "set-contradicted": ("forks", ["set", FORK, "--branch", "x", "--unset", "branch"]),
    "list-pinned": ("forks", ["list", "--pinned", "--tag", "ci"]),
    "archive": ("forks", ["archive", FORK]),
    "archive-json": ("forks", ["archive", FORK, "--json"]),
    "unarchive": ("forks", ["unarchive", FORK]),
    "compress": ("forks", ["compress", FORKED, ROOT, "--min-size", "8k"]),
    "compress-dry-run": ("forks", ["compress", FORKED, "--dry-run"]),
    "compress-dry-run-json": ("forks", ["compress", FORKED, "--dry-run", "--json"]),
    "compress-nothing": ("forks", ["compress", "--older-than", "99999d"]),
    "compress-bad-age": ("forks", ["compress", "--older-than", "soon"]),
    "decompress": ("compressed", ["decompress", "01a1fc4b-e8b2"]),
    "decompress-plain": ("forks", ["decompress", FORKED]),
    "decompress-not-found": ("forks", ["decompress", "no such name", "--json"]),
    "delete": ("forks", ["delete", FORK]),
    "delete-refused": ("forks", ["delete", FORKED]),
    "delete-refused-json": ("forks", ["delete", FORKED, "--json"]),
    "delete-kept": ("forks", ["delete", FORKED, "--keep-for-forks"]),
    "delete-cascade-json": ("forks", ["delete", FORKED, "--cascade", "--json"]),
    "prune-superseded": ("reverts", ["prune", "--superseded", "--dry-run"]),
    "prune-superseded-json": ("reverts", ["prune", "--superseded", "--dry-run", "--json"]),
    "prune-unasked": ("reverts", ["prune", "--superseded"]),
    "prune-nothing": ("paginated", ["prune", "--yes"]),
    "altered-resume": (ALTERED, ["resume", ALTERED_THREAD]),
    "altered-resume-json": (ALTERED, ["resume", ALTERED_THREAD, "--json"]),
    "altered-resume-allowed": (ALTERED, ["resume", ALTERED_THREAD, "--allow-damage"]),
    "altered-turns": (ALTERED, ["turns", ALTERED_THREAD]),
    "altered-turns-allowed": (ALTERED, ["turns", ALTERED_THREAD, "--allow-damage"]),
    "altered-turns-json": (ALTERED, ["turns", ALTERED_THREAD, "--limit", "1", "--allow-damage", "--json"]),
    "altered-items": (ALTERED, ["items", ALTERED_THREAD]),
    "altered-items-allowed": (ALTERED, ["items", ALTERED_THREAD, "--allow-damage"]),
    "altered-check": (ALTERED, ["check"]),
    "altered-check-json": (ALTERED, ["check", ALTERED_THREAD, "--json"]),
    "not-found": ("paginated", ["resume", "no such name"]),
    "not-found-json": ("paginated", ["resume", "no such name", "--json"]),
    "two-threads": ("paginated", ["show", "01a1fc4a"]),
    "neither-thread-nor-last": ("paginated", ["turns", "--json"]),
    "bad-cursor": ("paginated", ["turns", COMPACTED, "--cursor", "junk"]),
    "bad-option": ("paginated", ["list", "--sort", "size"]),
    "bad-option-json": ("paginated", ["list", "--limit", "-1", "--json"]),
    "unknown-command": (NO_HOME, ["frobnicate"]),
    "no-home": (NO_HOME, ["--home", "/no/such/home", "list"]),
}


def still(text: str, home: Path) -> str:
    """Return output without what differs from run to run: the home's path, durations, new ids times."""
    text = text.replace(str(home), "HOME")
    # How small a file gets is for the library to say; its releases differ.
    text = re.sub(r" to [\d.]+ kB, [\d.]+ kB (saved|to save)", r" to SIZE, SIZE \1", text)
    text = re.sub(r'"(compressedBytes|bytesAfter)":\d+', r'"\1":"SIZE"', text)
    text, made = MINTED.subn("MINTED", re.sub(r" in [\d.]+ (?:ms|s):", " in TIME:", text))
    if made:
        text = re.sub(r"/\d{4}/\d\d/\d\d/rollout-[\dT-]+-MINTED", "/DAY/rollout-TIME-MINTED", text)
        text = re.sub(r'"(createdAt|updatedAt|recencyAt)":\d+', r'"\1":"TIME"', text)
    return text


@pytest.mark.parametrize("case", CASES)
def test_output_is_as_documented(
    case: str, home_of: Callable[[str], Path], rollout_command: Runner, tmp_path: Path
) -> None:
    """stdout, stderr and exit status of one call."""
    name, arguments = CASES[case]
    home = home_of(name) if name != NO_HOME else tmp_path
    ran = rollout_command(*([] if name == NO_HOME else ["--home", home]), *arguments)
    found = f"status {ran.status}\n--- stdout\n{ran.stdout}--- stderr\n{ran.stderr}"
    golden = GOLDEN / f"{case}.txt"
    if os.environ.get("ROLLOUT_UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(still(found, home))
    assert still(found, home) == golden.read_text()


def test_every_golden_file_has_its_case() -> None:
    """No file is left over from a case that is gone."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)
