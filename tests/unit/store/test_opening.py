"""Identity first: a thread is what its header says, never what a path or a name says."""

from __future__ import annotations

import pytest

from rollout.errors import BrokenLineage, DamagedLog, InvalidRequest, NotFound, StorageFailed
from rollout.ids import ThreadId
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.replay.context import read_context
from rollout.store.opening import Opener
from tests.builders import ARCHIVE, DAY, HOME, Home, Rollout, home, packed, texts, thread, uuid

NEWER = "2026-11-22T00-00-00"


def opened(made: Home, rollout: Rollout, hint: str | None = None) -> tuple[str, list[str]]:
    """Open a thread; return whose it is and what it says."""
    with made.opener.open_thread(rollout.thread_id, hint) as lineage:
        return lineage.thread_id, texts(read_context(lineage))


def refused(made: Home, rollout: Rollout, hint: str | None = None) -> NotFound:
    """Return the error of a thread that is not there; nothing stays open."""
    with pytest.raises(NotFound) as caught:
        made.opener.open_thread(rollout.thread_id, hint)
    assert made.fs.open_count == 0
    return caught.value


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("folder", [DAY, f"{HOME}/sessions", f"{HOME}/sessions/x/y/z/0", ARCHIVE])
def test_a_thread_is_found_by_its_id(folder: str, is_packed: bool) -> None:
    """At any depth, active or archived, plain or compressed."""
    one = thread(1).user("mine")
    made = Home()
    made.put(one, folder=folder, is_packed=is_packed)
    assert opened(made, one) == (uuid(1), ["mine"])


def test_the_newest_name_is_the_thread() -> None:
    """Stamps decide; nothing else is asked."""
    old, new = thread(1).user("old"), thread(1).user("new")
    new.rollout_id = uuid(9)
    made = Home()
    made.put(new, stamp=NEWER)
    made.put(old)
    assert opened(made, old) == (uuid(1), ["new"])


def test_a_hint_saves_nothing_but_time() -> None:
    """A right one gives what the lookup would have given."""
    one = thread(1).user("mine")
    made = Home()
    path = made.put(one)
    assert opened(made, one, path) == opened(made, one)


def test_a_hint_to_another_threads_file_is_dropped() -> None:
    """The thread is looked up by its id; never another thread's turns."""
    one, other = thread(1).user("mine"), thread(2).user("theirs")
    made = Home()
    path = made.put(other)
    made.put(one)
    assert opened(made, one, path) == (uuid(1), ["mine"])


def test_a_hint_whose_file_was_swapped_is_dropped() -> None:
    """The name still says the right thing, the header does not."""
    one, other = thread(1).user("mine"), thread(2).user("theirs")
    made = Home()
    made.put(one)
    swapped = f"{ARCHIVE}/{one.name()}"
    made.fs.put(swapped, other.log())
    assert opened(made, one, swapped) == (uuid(1), ["mine"])


def test_a_hint_that_is_gone_is_dropped() -> None:
    """The file was archived since the hint was taken."""
    one = thread(1).user("mine")
    made = Home()
    made.put(one, folder=ARCHIVE)
    assert opened(made, one, f"{DAY}/{one.name()}") == (uuid(1), ["mine"])


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\xff\n", b'{"torn'])
def test_a_hint_whose_header_is_damaged_is_dropped(content: bytes) -> None:
    """It cannot show that it is the thread's, and another file can."""
    one = thread(1).user("mine")
    made = Home()
    made.put(one)
    hint = f"{ARCHIVE}/{one.name()}"
    made.fs.put(hint, content)
    assert opened(made, one, hint) == (uuid(1), ["mine"])


def test_a_hint_that_the_system_refuses_is_dropped() -> None:
    """A folder, or a file that may not be read."""
    one = thread(1).user("mine")
    made = Home()
    made.put(one)
    hint = f"{ARCHIVE}/{one.name()}"
    made.fs.put(hint, one.log())
    made.fs.refuse(hint)
    assert opened(made, one, hint) == (uuid(1), ["mine"])


def test_a_hint_to_an_older_rollout_is_dropped() -> None:
    """The thread was reverted since; its older file is no longer the thread."""
    first = thread(1).user("old")
    reverted = first.revert(9, first.position).user("new")
    made = Home()
    path = made.put(first)
    made.put(reverted, stamp=NEWER)
    assert opened(made, first, path) == (uuid(1), ["old", "new"])


def test_a_hint_outside_the_home_is_good_enough() -> None:
    """If the home has no file of that thread."""
    one = thread(1).user("mine")
    made = Home()
    made.fs.put(f"/elsewhere/{one.name()}", one.log())
    assert opened(made, one, f"/elsewhere/{one.name()}") == (uuid(1), ["mine"])


def test_a_thread_that_is_nowhere_is_not_found() -> None:
    """The error says that no name carries the id."""
    error = refused(home(thread(2)), thread(1))
    assert f"opening thread {uuid(1)}" in error.message
    assert "no file name carries that id" in error.message
    assert error.hint is not None


def test_a_name_that_lies_is_not_believed() -> None:
    """The error names what was found instead."""
    other = thread(2).user("theirs")
    made = Home()
    path = f"{DAY}/{thread(1).name()}"
    made.fs.put(path, other.log())
    assert f"{path} belongs to thread {uuid(2)}" in refused(made, thread(1)).message


def test_a_file_whose_name_lies_is_not_found_under_its_headers_id() -> None:
    """Nobody can tell which of the two is wrong, so neither id finds it; its path does."""
    made = Home()
    path = f"{DAY}/{thread(1).name()}"
    made.fs.put(path, thread(2).user("theirs").log())
    refused(made, thread(2))
    with made.opener.open_path(path) as lineage:
        assert lineage.thread_id == uuid(2)


def test_an_older_rollout_stands_in_for_a_newest_name_that_lies() -> None:
    """The newest file is not the thread's, whatever it is called, so the next one is the newest."""
    made = home(thread(1).user("mine"))
    made.fs.put(f"{DAY}/{thread(1).name(NEWER)[:-6]}_{uuid(9)}.jsonl", thread(2).log())
    assert opened(made, thread(1)) == (uuid(1), ["mine"])


def test_everything_found_instead_is_named() -> None:
    """The hint and every file of that name, once each."""
    made = Home()
    paths = [f"{DAY}/{thread(1).name()}", f"{ARCHIVE}/{thread(1).revert(9, thread(1).position).name()}"]
    for number, path in enumerate(paths, start=2):
        made.fs.put(path, thread(number).log())
    gone = f"/gone/{thread(1).revert(9, thread(1).position).name()}"
    message = refused(made, thread(1), gone).message
    for number, path in enumerate(paths, start=2):
        assert message.count(f"{path} belongs to thread {uuid(number)}") == 1


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\xff\n", b'{"torn'])
def test_a_damaged_newest_rollout_is_an_error(content: bytes) -> None:
    """An older one does not stand in for it: what was reverted would come back."""
    made = home(thread(1).user("old"))
    path = f"{DAY}/{thread(1).revert(9, thread(1).position).name(NEWER)}"
    made.fs.put(path, content)
    with pytest.raises(DamagedLog, match="reading the header of") as caught:
        made.opener.open_thread(thread(1).thread_id)
    assert path in caught.value.message
    assert made.fs.open_count == 0


def test_a_damaged_hint_to_the_newest_rollout_is_an_error() -> None:
    """It is what the lookup finds as well."""
    made = Home()
    path = f"{DAY}/{thread(1).name()}"
    made.fs.put(path, b"{}\n")
    with pytest.raises(DamagedLog):
        made.opener.open_thread(thread(1).thread_id, path)


def test_a_rollout_that_the_system_refuses_is_an_error() -> None:
    """It may be the thread's newest: nobody can tell."""
    made = Home()
    made.fs.refuse(made.put(thread(1)))
    with pytest.raises(StorageFailed):
        made.opener.open_thread(thread(1).thread_id)


def test_a_header_of_another_case_is_the_same_thread() -> None:
    """Ids are compared as UUIDs."""
    one = thread(1, id=uuid(1).upper()).user("mine")
    assert opened(home(one), one) == (uuid(1), ["mine"])


def test_a_damaged_first_line_does_not_hide_the_header() -> None:
    """Reading works wherever it stands."""
    one = thread(1)
    one.content = b"{broken\n\n" + one.content
    assert opened(home(one.user("mine")), one) == (uuid(1), ["mine"])


def test_a_broken_base_is_not_a_bad_hint() -> None:
    """The file is the thread's; what it rests on is missing."""
    child = thread(1).fork(2)
    made = Home()
    path = made.put(child)
    with pytest.raises(BrokenLineage):
        made.opener.open_thread(child.thread_id, path)
    assert made.fs.open_count == 0


def test_a_path_opens_whatever_thread_it_is() -> None:
    """Under any name, also compressed."""
    made = home(thread(1))
    made.fs.put("/elsewhere/copy", thread(2).user("plain").log())
    made.fs.put("/elsewhere/copy.jsonl.zst", packed(thread(3).user("packed").log()))
    with made.opener.open_path("/elsewhere/copy") as lineage:
        assert (lineage.thread_id, texts(read_context(lineage))) == (uuid(2), ["plain"])
    with made.opener.open_path("/elsewhere/copy.jsonl.zst") as lineage:
        assert (lineage.thread_id, texts(read_context(lineage))) == (uuid(3), ["packed"])


def test_a_path_finds_its_bases_in_the_home() -> None:
    """A fork that was copied elsewhere still rests on the home's files."""
    parent = thread(1).user("one")
    made = home(parent)
    made.fs.put("/elsewhere/copy", parent.fork(2).user("two").log())
    with made.opener.open_path("/elsewhere/copy") as lineage:
        assert texts(read_context(lineage)) == ["one", "two"]


@pytest.mark.parametrize(("content", "error"), [(None, NotFound), (b"{}\n", DamagedLog)])
def test_a_path_that_is_no_rollout_is_an_error(content: bytes | None, error: type[Exception]) -> None:
    """Nothing stays open."""
    made = Home()
    if content is not None:
        made.fs.put("/elsewhere/copy", content)
    with pytest.raises(error):
        made.opener.open_path("/elsewhere/copy")
    assert made.fs.open_count == 0


def test_a_file_that_appears_later_is_found() -> None:
    """Names are read again once a folder has changed."""
    made = home(thread(1))
    refused(made, thread(2))
    made.put(thread(2).user("late"))
    assert opened(made, thread(2)) == (uuid(2), ["late"])


def test_the_header_is_compared_before_anything_else_is_read() -> None:
    """Of a file that belongs to another thread, only its head is read."""
    other = thread(2)
    for number in range(500):
        other.turn(f"q{number}")
    made = Home()
    path = f"{DAY}/{thread(1).name()}"
    made.fs.put(path, other.log())
    refused(made, thread(1))
    assert made.fs.bytes_read <= 32 << 10 < len(other.log())


def found(made: Home, reference: str) -> str:
    """Return the id of the thread that a reference names."""
    return made.opener.find_thread_id(reference)


def named(*names: tuple[str, str]) -> bytes:
    """Return a file of renames: id and name."""
    return b"".join(
        f'{{"id":"{thread_id}","thread_name":"{name}","updated_at":"t"}}\n'.encode()
        for thread_id, name in names
    )


def test_a_full_id_is_not_looked_up() -> None:
    """Opening will tell whether there is such a thread."""
    assert found(Home(), uuid(7).upper()) == uuid(7)


def test_a_unique_prefix_names_a_thread() -> None:
    """From four characters on, in any case."""
    made = Home()
    made.put(thread(0xA))
    for prefix in (uuid(0xA)[:4], uuid(0xA)[:20].upper(), uuid(0xA)[:-1]):
        assert found(made, prefix) == uuid(0xA)


@pytest.mark.parametrize("prefix", ["", "01a", "zzzz", "ffff"])
def test_what_names_no_thread_is_not_found(prefix: str) -> None:
    """Too short, no hexadecimal, or nobody's."""
    with pytest.raises(NotFound, match="has that id, prefix or name"):
        found(home(thread(5)), prefix)


def test_an_ambiguous_prefix_says_which_threads_answer() -> None:
    """The first five are named."""
    made = home(*(thread(number) for number in range(1, 8)))
    with pytest.raises(InvalidRequest, match="7 threads answer to it") as caught:
        found(made, "01a1fc4b")
    assert uuid(5) in caught.value.message
    assert uuid(6) not in caught.value.message
    assert "and more" in caught.value.message


def test_a_name_names_a_thread() -> None:
    """The newest rename counts, and a name beats a prefix."""
    made = home(thread(1), thread(2))
    made.fs.put(f"{HOME}/session_index.jsonl", named((uuid(1), "Old"), (uuid(1), "01a1"), (uuid(2), "Other")))
    assert (found(made, "01a1"), found(made, "Other")) == (uuid(1), uuid(2))
    with pytest.raises(NotFound):
        found(made, "Old")


def test_an_ambiguous_name_is_an_invalid_request() -> None:
    """Two threads may carry one name."""
    made = home(thread(1), thread(2))
    made.fs.put(f"{HOME}/session_index.jsonl", named((uuid(1), "Same"), (uuid(2), "Same")))
    with pytest.raises(InvalidRequest, match="2 threads answer to it"):
        found(made, "Same")


def test_an_opener_of_an_empty_home_finds_nothing() -> None:
    """Folders need not exist."""
    with pytest.raises(NotFound):
        Opener(Home().fs, "/nowhere", MAX_LINE_BYTES).open_thread(ThreadId(uuid(1)))
