"""Facts against a plain table: whoever patches what, in whatever order, however the file is kept short."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from rollout.ids import ThreadId
from rollout.log.facts import Facts, FactsPatch, GitPatch, fold, read_facts
from rollout.log.facts_writing import append_patch, compacted
from rollout.log.names import append_name, read_names
from rollout.testing.crashfs import CrashFS
from tests.builders import HOME, uuid

PATH = f"{HOME}/.rollout/facts.jsonl"
IDS = [ThreadId(uuid(number)) for number in (1, 2)]
WORDS = st.sampled_from(["a", "b", "å\n"])
TEXTS = st.just(UNSET) | st.none() | WORDS
GIT = st.builds(GitPatch, sha=TEXTS, branch=TEXTS, origin_url=TEXTS)
PATCHES = st.builds(
    FactsPatch,
    name=TEXTS,
    is_pinned=st.sampled_from([UNSET, None, True, False]),
    git_info=st.just(UNSET) | st.none() | GIT,
    memory_mode=TEXTS,
    tags=st.just(UNSET) | st.none() | st.dictionaries(WORDS, st.sampled_from([True, False, None])),
    cwd=TEXTS,
)
STEPS = st.lists(st.tuples(st.sampled_from(IDS), PATCHES | WORDS), max_size=12)


class Table:
    """What a plain table would hold: a row a thread, a cell a member."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.names: dict[str, str] = {}

    def name(self, thread_id: str, name: str | None) -> None:
        """Give a name, or take it away."""
        self.names.pop(thread_id, None)
        if name is not None:
            self.names[thread_id] = name

    def patch(self, thread_id: str, patch: FactsPatch) -> None:
        """Put a patch in."""
        row = self.rows.setdefault(thread_id, {"tags": set()})
        for member in ("is_pinned", "memory_mode", "cwd"):
            if (value := getattr(patch, member)) is not UNSET:
                row[member] = value
        for member in ("sha", "branch", "origin_url"):
            if patch.git_info is None:
                row[member] = None
            elif patch.git_info and (value := getattr(patch.git_info, member)) is not UNSET:
                row[member] = value
        if patch.tags is None:
            row["tags"] = set()
        for tag, is_set in (patch.tags or {}).items():
            (row["tags"].add if is_set else row["tags"].discard)(tag)
        if patch.name is not UNSET:
            self.name(thread_id, patch.name)


def assert_same(fs: CrashFS, table: Table) -> None:
    """What the file says is what the table holds."""
    facts = read_facts(fs, HOME)
    assert set(facts) <= set(table.rows)
    for thread_id, row in table.rows.items():
        found = facts.get(ThreadId(thread_id), Facts())
        assert (found.is_pinned, found.memory_mode, found.cwd, set(found.tags)) == (
            bool(row.get("is_pinned")),
            row.get("memory_mode"),
            row.get("cwd"),
            row["tags"],
        )
        git = {member: row[member] for member in ("sha", "branch", "origin_url") if member in row}
        assert {k: v for k, v in structs.asdict(found.git).items() if v is not UNSET} == git
    assert read_names(fs, HOME) == table.names


@given(STEPS, st.integers(1, 400))
def test_facts_are_what_a_table_would_hold(
    steps: list[tuple[ThreadId, FactsPatch | str]], compact_every_bytes: int
) -> None:
    """After every patch, and every rename by another client."""
    fs, table = CrashFS({}, folders=[HOME]), Table()
    for at, (thread_id, said) in enumerate(steps):
        if isinstance(said, str):
            append_name(fs, HOME, thread_id, said, at)
            table.name(thread_id, said)
        else:
            append_patch(fs, HOME, thread_id, said, at, compact_every_bytes=compact_every_bytes)
            table.patch(thread_id, said)
        assert_same(fs, table)


@given(STEPS)
def test_compacted_facts_say_the_same(steps: list[tuple[ThreadId, FactsPatch | str]]) -> None:
    """In no more bytes, and however often it is done."""
    fs = CrashFS({}, folders=[HOME])
    for at, (thread_id, said) in enumerate(steps):
        if not isinstance(said, str):
            append_patch(fs, HOME, thread_id, said, at)
    content = fs.files().get(PATH, b"")
    short = compacted(content.splitlines())
    whole = {thread_id: one.facts() for thread_id, one in fold(content.splitlines()).items()}
    again = {thread_id: one.facts() for thread_id, one in fold(short.splitlines()).items()}
    assert again == {thread_id: facts for thread_id, facts in whole.items() if thread_id in again}
    assert all(facts == Facts() for thread_id, facts in whole.items() if thread_id not in again)
    assert compacted(short.splitlines()) == short
