"""Facts: patches folded member by member, and a file of them kept short."""

from __future__ import annotations

from contextlib import suppress
from errno import ENOSPC
from itertools import count
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from rollout.errors import Conflict, StorageFailed
from rollout.ids import ThreadId
from rollout.log.facts import Facts, FactsPatch, GitPatch, KnownFacts, fold, read_facts
from rollout.log.facts_writing import append_patch, compacted, forget_facts
from rollout.log.names import append_name, read_names
from rollout.testing.crashfs import CrashFS
from tests.builders import HOME, compact_json, uuid

PATH = f"{HOME}/.rollout/facts.jsonl"
NAMES = f"{HOME}/session_index.jsonl"
ONE, OTHER = ThreadId(uuid(1)), ThreadId(uuid(2))


def line(patch: Any, at: int = 1, thread_id: str = ONE) -> bytes:
    """Return a line of the file, without its newline."""
    return compact_json({"at": at, "threadId": thread_id, "patch": patch})


def facts_of(*lines: bytes) -> Facts:
    """Return what lines say of the first thread."""
    return fold(lines)[ONE].facts()


def disk_of(*lines: bytes, names: bytes | None = None) -> CrashFS:
    """Return a home with these facts, and these names."""
    files = {PATH: b"".join(one + b"\n" for one in lines)} if lines else {}
    return CrashFS(files if names is None else files | {NAMES: names}, folders=[HOME])


def test_what_a_patch_does_not_name_stays() -> None:
    """Members of the git state as well."""
    first = line({"cwd": "/a", "isPinned": True, "gitInfo": {"sha": "1", "branch": "x"}})
    found = facts_of(first, line({"gitInfo": {"branch": "y"}}))
    assert found == Facts(cwd="/a", is_pinned=True, git=GitPatch(sha="1", branch="y"))


def test_cleared_is_not_the_same_as_never_set() -> None:
    """A member of the git state that is null is cleared for good; one that is absent was never set."""
    git = facts_of(line({"gitInfo": {"sha": "1"}}), line({"gitInfo": {"sha": None}})).git
    assert (git.sha, git.branch) == (None, UNSET)


def test_a_git_state_of_null_clears_all_of_it() -> None:
    """Whatever was set, or not."""
    git = facts_of(line({"gitInfo": {"sha": "1"}}), line({"gitInfo": None})).git
    assert git == GitPatch(sha=None, branch=None, origin_url=None)


def test_tags_come_and_go_one_by_one() -> None:
    """Null and false take one away, null in place of them all of them."""
    come = line({"tags": {"a": True, "b": True, "c": True}})
    assert facts_of(come, line({"tags": {"b": None, "c": False, "d": True}})).tags == ("a", "d")
    assert facts_of(come, line({"tags": None})).tags == ()


@pytest.mark.parametrize("value", [7, [], {"a": 1}, True, None])
@pytest.mark.parametrize("member", ["name", "cwd", "memoryMode", "gitInfo", "isPinned", "tags"])
def test_a_member_of_another_type_says_nothing(member: str, value: object) -> None:
    """And takes nothing else with it."""
    found = facts_of(line({member: value, "tags" if member == "cwd" else "cwd": {"t": True}}))
    assert found.cwd is None
    assert found.memory_mode is None
    assert not isinstance(found.name, str)


@pytest.mark.parametrize("bad", [b"junk", b"{}", b"\xff", line({}, thread_id="x"), line([1]), b'{"at":1'])
def test_lines_that_are_no_patches_are_passed_over(bad: bytes) -> None:
    """Those around them count."""
    fs = disk_of(line({"cwd": "/a"}), bad, line({"isPinned": True}, thread_id=OTHER))
    assert read_facts(fs, HOME) == {ONE: Facts(cwd="/a"), OTHER: Facts(is_pinned=True)}


def test_a_torn_line_does_not_run_into_the_next_patch() -> None:
    """It stays a bad line of its own, and everything else counts."""
    fs = CrashFS({PATH: line({"cwd": "/a"}) + b"\n" + line({"cwd": "/torn"})[:-3]}, folders=[HOME])
    append_patch(fs, HOME, ONE, FactsPatch(is_pinned=True), 5)
    assert read_facts(fs, HOME) == {ONE: Facts(cwd="/a", is_pinned=True)}


def test_a_patch_is_one_line_that_names_what_changes() -> None:
    """And nothing else, so that it takes nobody's patch back."""
    append_patch(fs := disk_of(), HOME, ONE, FactsPatch(tags={"a": True}, cwd=None), 5)
    assert fs.files()[PATH] == line({"tags": {"a": True}, "cwd": None}, at=5) + b"\n"


def test_a_patch_without_a_name_touches_no_names() -> None:
    """Its own file, and the lock of that."""
    append_patch(fs := disk_of(), HOME, ONE, FactsPatch(is_pinned=True), 5)
    assert NAMES not in fs.files()
    assert set(fs.files()) == {PATH, f"{PATH}.lock"}


@pytest.mark.parametrize("held", [f"{PATH}.lock", f"{NAMES}.lock"])
def test_nothing_is_written_while_a_lock_is_held(held: str) -> None:
    """Conflict says which file somebody has open."""
    fs = disk_of(line({"cwd": "/a"}), names=b"")
    before = {PATH: fs.files()[PATH], NAMES: b""}
    lock = fs.find_lock(held)
    assert lock is not None
    with pytest.raises(Conflict, match="locked") as caught:
        append_patch(fs, HOME, ONE, FactsPatch(name="x"), 5)
    assert held in str(caught.value.hint)
    assert {path: fs.files()[path] for path in before} == before


def test_a_name_stands_in_the_file_of_names_too() -> None:
    """Other clients read that one."""
    append_patch(fs := disk_of(), HOME, ONE, FactsPatch(name="Colours"), 5)
    assert b'"thread_name":"Colours"' in fs.files()[NAMES]
    append_patch(fs, HOME, ONE, FactsPatch(name=None), 6)
    assert fs.files()[NAMES].splitlines()[-1].startswith(b'{"id":"%b","thread_name":""' % ONE.encode())
    assert read_names(fs, HOME) == {}


@pytest.mark.parametrize(("named_at", "name"), [(4, "ours"), (5, "theirs"), (6, "theirs")])
def test_the_newest_name_wins_whoever_gave_it(named_at: int, name: str) -> None:
    """A rename by another client stands in the file of names alone."""
    fs = disk_of(line({"name": "ours"}, at=5))
    append_name(fs, HOME, ONE, "theirs", named_at)
    assert read_names(fs, HOME) == {ONE: name}


def test_a_rename_without_a_time_wins() -> None:
    """Another client appended it, and says no more."""
    names = compact_json({"id": ONE, "thread_name": "theirs", "updated_at": 7}) + b"\n"
    assert read_names(disk_of(line({"name": "ours"}, at=5), names=names), HOME) == {ONE: "theirs"}


@pytest.mark.parametrize("name", ["ours", None])
def test_a_name_does_not_need_the_file_of_names(name: str | None) -> None:
    """Somebody took that away, or a crash came before it was written."""
    assert read_names(disk_of(line({"name": name})), HOME) == ({ONE: name} if name else {})


def test_compacted_lines_say_the_same() -> None:
    """With what this release does not know: members, and lines."""
    lines = [
        line({"name": "a", "future": {"x": "huge"}, "gitInfo": {"sha": "1", "worktree": 2}}, at=1),
        b'{"of":"a newer release"}',
        line({"cwd": "/a", "tags": {"t": True, "u": True}}, at=2, thread_id=OTHER),
        line({"tags": {"u": None}, "cwd": None}, at=3, thread_id=OTHER),
        line({"gitInfo": {"sha": None}, "isPinned": True}, at=4),
    ]
    lines[0] = lines[0].replace(b'"huge"', b"1e400")
    short = compacted(lines).splitlines()
    assert fold(short) == fold(lines)
    assert short[0] == lines[1]
    assert b'"future":{"x":1e400}' in b"".join(short)
    assert compacted(short).splitlines() == short


def test_the_file_is_compacted_once_it_is_ten_times_as_long_as_it_need_be() -> None:
    """And no sooner; nothing that it says is lost."""
    fs = disk_of(line({"cwd": "/kept"}, thread_id=OTHER))
    sizes = []
    for number in range(40):
        append_patch(fs, HOME, ONE, FactsPatch(cwd=f"/{number}"), number, compact_every_bytes=1)
        sizes.append(len(fs.files()[PATH]))
    assert read_facts(fs, HOME) == {OTHER: Facts(cwd="/kept"), ONE: Facts(cwd="/39")}
    assert max(sizes) > 9 * min(sizes[10:])
    assert max(sizes) < 11 * min(sizes[10:])


def test_a_file_that_cannot_be_compacted_fails_no_patch() -> None:
    """It says the same at any length."""
    for at in count(1):
        fs = CrashFS({PATH: line({"cwd": "/a"}) + b"\n" * 4000}, folders=[HOME]).failing(at, ENOSPC)
        with suppress(StorageFailed):
            append_patch(fs, HOME, ONE, FactsPatch(cwd="/b"), 5, compact_every_bytes=1)
            assert read_facts(fs, HOME)[ONE].cwd == "/b"
            if len(fs.files()[PATH]) > 4000:
                return
        assert fs.operation_count >= at, "every failure was told"


def test_facts_are_forgotten_to_the_byte() -> None:
    """All other lines stay as they are."""
    fs = disk_of(line({"cwd": "/a"}), b"junk", line({"cwd": "/b"}, thread_id=OTHER), line({"name": "n"}))
    forget_facts(fs, HOME, {ONE})
    assert fs.files()[PATH] == b"junk\n" + line({"cwd": "/b"}, thread_id=OTHER) + b"\n"


def test_forgetting_needs_no_file() -> None:
    """Nor makes one."""
    forget_facts(fs := disk_of(), HOME, {ONE})
    assert fs.files() == {}


def test_known_facts_follow_the_file() -> None:
    """Read when it has changed, and only then."""
    known = KnownFacts(fs := disk_of(), HOME)
    assert known.get() == {}
    append_patch(fs, HOME, ONE, FactsPatch(cwd="/a"), 5)
    assert known.of(ONE) == Facts(cwd="/a")
    assert known.get() is known.get()
    assert known.of(OTHER) == Facts()


def test_a_patch_reads_back_as_its_members() -> None:
    """Absent, null and a value are three different things on the way through JSON."""
    patch = FactsPatch(cwd=None, git_info=GitPatch(sha=None, branch="x"), tags={"t": True})
    assert msgspec.json.decode(msgspec.json.encode(patch), type=FactsPatch) == patch
