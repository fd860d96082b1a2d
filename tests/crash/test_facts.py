"""Facts over crashes and failures: a patch counts whole or not at all; once acknowledged, it counts."""

from __future__ import annotations

import errno
from itertools import count

import pytest

from rollout.errors import StorageFailed
from rollout.ids import ThreadId
from rollout.log.facts import Facts, FactsPatch, GitPatch, read_facts
from rollout.log.facts_writing import append_patch, forget_facts
from rollout.log.names import read_names
from rollout.testing.crashfs import CrashFS
from tests.builders import HOME, uuid

PATH = f"{HOME}/.rollout/facts.jsonl"
ONE, OTHER = ThreadId(uuid(1)), ThreadId(uuid(2))
OLD = b'{"at":1,"threadId":"%b","patch":{"isPinned":true}}\n{"at":2,"threadId":"%b","patch":{"cwd":"/a"}}' % (
    OTHER.encode(),
    ONE.encode(),
)
WORDS = ["a", "b", "c", "d"]
AFTER = FactsPatch(memory_mode="disabled")


def say(word: str) -> FactsPatch:
    """Return a patch of several members that all say the same word."""
    return FactsPatch(name=word, cwd=f"/{word}", git_info=GitPatch(branch=word))


def say_all(fs: CrashFS, compact_every_bytes: int) -> None:
    """Say one thing after the other of a thread."""
    for at, word in enumerate(WORDS):
        fs.begin(word)
        append_patch(fs, HOME, ONE, say(word), 10 + at, compact_every_bytes=compact_every_bytes)
        fs.acknowledge(word)


def word_of(facts: Facts) -> object:
    """Return the word that all members say, or None where none was said yet."""
    if facts.git.branch is facts.name and facts.cwd in (None, "/a"):
        return None
    assert facts.cwd == f"/{facts.name}"
    assert facts.git.branch == facts.name
    return facts.name


@pytest.mark.parametrize("compact_every_bytes", [1 << 20, 1])
@pytest.mark.parametrize("files", [{}, {PATH: OLD}, {PATH: OLD + b"\n" * 4000}])
def test_a_crash_leaves_each_patch_whole_or_none_of_it(
    files: dict[str, bytes], compact_every_bytes: int
) -> None:
    """Whether the file is made, appended to, healed or compacted; and the next patch counts."""
    say_all(fs := CrashFS(files, folders=[HOME]), compact_every_bytes)
    for cut in fs.cuts():
        for disk in cut.images():
            facts = read_facts(disk, HOME)
            allowed = [*cut.acknowledged[-1:], *cut.begun[len(cut.acknowledged) :]]
            word = word_of(facts.get(ONE, Facts()))
            assert word in (allowed if cut.acknowledged else [None, *allowed]), disk.origin
            assert not files or facts[OTHER].is_pinned, disk.origin
            if cut.acknowledged:
                assert read_names(disk, HOME)[ONE] == word, disk.origin
            append_patch(disk, HOME, ONE, AFTER, 99, compact_every_bytes=compact_every_bytes)
            after = read_facts(disk, HOME)
            assert (after[ONE].memory_mode, word_of(after[ONE])) == ("disabled", word), disk.origin


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("compact_every_bytes", [1 << 20, 1])
def test_a_refusal_leaves_each_patch_whole_or_none_of_it(number: int, compact_every_bytes: int) -> None:
    """And no lock that is held; nobody else's facts are lost."""
    for at in count(1):
        fs = CrashFS({PATH: OLD + b"\n" * 4000}, folders=[HOME]).failing(at, number, written_bytes=9)
        try:
            say_all(fs, compact_every_bytes)
        except StorageFailed:
            assert word_of(read_facts(fs, HOME)[ONE]) in (None, *WORDS)
        assert read_facts(fs, HOME)[OTHER].is_pinned
        if fs.operation_count < at:
            break
        append_patch(fs, HOME, ONE, say("next"), 99, compact_every_bytes=compact_every_bytes)
        assert word_of(read_facts(fs, HOME)[ONE]) == "next"


def test_a_crash_while_forgetting_loses_no_other_facts() -> None:
    """The file is the old one or the new one, whole."""
    fs = CrashFS({PATH: OLD + b"\n"}, folders=[HOME])
    forget_facts(fs, HOME, {ONE})
    fs.acknowledge("forgotten")
    for cut in fs.cuts():
        for disk in cut.images():
            facts = read_facts(disk, HOME)
            assert facts.pop(OTHER).is_pinned, disk.origin
            assert not facts or not cut.acknowledged, disk.origin
