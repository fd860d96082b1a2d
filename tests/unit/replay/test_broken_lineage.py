"""Every link of a lineage that can break: the error names the link and says what is wrong with it."""

from __future__ import annotations

import pytest

from rollout.errors import BrokenLineage, DamagedLog
from rollout.replay.ancestors import SHORT_BYTES
from rollout.replay.context import read_context
from rollout.store.turn_pages import read_turns
from rollout.turns.paging import ItemsView
from tests.builders import DAY, Home, Json, Rollout, home, thread, uuid


def broken(made: Home, child: Rollout) -> BrokenLineage:
    """Return the error that opening a thread gives."""
    with pytest.raises(BrokenLineage) as caught:
        made.open(child)
    return caught.value


def base(parent: Rollout, **members: object) -> Json:
    """Return a base at the end of `parent`, altered."""
    return parent.position | members


def test_a_missing_parent_is_named() -> None:
    """No file carries the rollout id that the base names."""
    parent = thread(1).turn("one")
    child = parent.fork(2)
    error = broken(home(child), child)
    assert (error.rollout_id, error.base_id) == (uuid(2), uuid(1))
    assert f"rollout {uuid(2)} -> base {uuid(1)}: missing source rollout" in error.message


def test_a_base_that_is_no_uuid_is_missing() -> None:
    """Nothing can carry such an id."""
    child = thread(1).fork(2, at=base(thread(1), thread_id="elsewhere"))
    assert "base elsewhere: missing source rollout" in broken(home(thread(1), child), child).message


def test_the_broken_link_is_named_and_not_the_newest() -> None:
    """The error names child and base of the link that broke, two generations up."""
    root = thread(1).turn("one")
    middle = root.fork(2)
    newest = middle.fork(3)
    error = broken(home(middle, newest), newest)
    assert (error.rollout_id, error.base_id) == (uuid(2), uuid(1))
    assert f"history of thread {uuid(2)}" in error.message


def test_a_rollout_that_is_its_own_base_is_a_cycle() -> None:
    """The smallest cycle there is."""
    child = thread(2).fork(2, at=base(thread(2)))
    error = broken(home(child), child)
    assert "closes a cycle" in error.message
    assert (error.rollout_id, error.base_id) == (uuid(2), uuid(2))


def test_a_cycle_is_found_before_offsets_are_compared() -> None:
    """Two rollouts that name each other, the second with an offset that does not fit."""
    first = thread(1).fork(1, at=base(thread(2)))
    second = first.fork(2, at=base(first, end_byte_offset=len(first.log())))
    first = thread(1).fork(1, at=base(second, end_byte_offset=1 << 40))
    second = thread(1).fork(2, at=base(first))
    error = broken(home(first, second), second)
    assert (error.rollout_id, error.base_id) == (uuid(1), uuid(2))
    assert "closes a cycle" in error.message


def test_a_cutoff_at_ordinal_zero_is_refused() -> None:
    """It would leave the parent before its header."""
    parent = thread(1).turn("one")
    child = parent.fork(2, at=base(parent, end_ordinal_exclusive=0))
    assert "cannot include the source's session metadata" in broken(home(parent, child), child).message


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "compressed"])
def test_a_cutoff_beyond_the_parent_says_expected_and_found(is_packed: bool) -> None:
    """A parent that lost its end is noticed; the length counts decoded bytes."""
    parent = thread(1).turn("one")
    size = len(parent.log())
    child = parent.fork(2, at=base(parent, end_byte_offset=size + 1))
    made = home(child)
    made.put(parent, is_packed=is_packed)
    error = broken(made, child)
    assert "the cutoff lies past the source rollout" in error.message
    assert f"expected at least {size + 1} bytes, found {size}" in error.message


def test_a_parent_that_is_somebody_elses_file_is_refused() -> None:
    """A file whose header carries another thread than its name gives no history."""
    parent = thread(1).turn("one")
    liar = thread(7).turn("one")
    child = parent.fork(2)
    made = home(child)
    path = f"{DAY}/{parent.name()}"
    made.fs.put(path, liar.log())
    error = broken(made, child)
    assert f"{path} belongs to thread {uuid(7)}, not to the one in its name" in error.message


def test_a_parent_without_header_is_refused() -> None:
    """The error says why the parent cannot be read."""
    parent = thread(1).turn("one")
    child = parent.fork(2)
    made = home(child)
    made.fs.put(f"{DAY}/{parent.name()}", b"{}\n")
    assert "the source cannot be read: reading the header" in broken(made, child).message


def test_a_parent_that_the_system_refuses_is_a_broken_link() -> None:
    """The error names the link and carries the system's reason."""
    parent = thread(1).turn("one")
    child = parent.fork(2)
    made = home(parent, child)
    made.fs.refuse(f"{DAY}/{parent.name('2026-11-21T04-00-00')}")
    assert "the source cannot be read" in broken(made, child).message
    assert made.fs.open_count == 0


def long_parent() -> Rollout:
    """Return a parent that is too long to be held in memory."""
    return thread(1).turn("one " * SHORT_BYTES)


def test_a_short_parent_is_read_as_it_was_when_the_thread_was_opened() -> None:
    """Its bytes are held: what became of the file since mixes nothing."""
    parent = thread(1).turn("one")
    child = parent.fork(2).turn("two")
    made = home(child)
    path = made.put(parent)
    with made.open(child) as lineage:
        before = read_context(lineage).input_json()
        made.fs.remove(path)
        assert read_context(lineage).input_json() == before


def test_a_parent_replaced_while_it_is_read_is_an_error() -> None:
    """Two files are never mixed: the identity taken at opening is compared again."""
    parent = long_parent()
    child = parent.fork(2).turn("two")
    made = home(child)
    path = made.put(parent)
    with made.open(child) as lineage:
        made.fs.put(path, parent.log())
        with pytest.raises(DamagedLog, match="was replaced while it was read"):
            read_context(lineage)


def test_a_parent_taken_away_while_it_is_read_is_an_error() -> None:
    """It is not taken for a thread that does not exist."""
    parent = long_parent()
    child = parent.fork(2).turn("two")
    made = home(child)
    path = made.put(parent)
    with made.open(child) as lineage:
        made.fs.remove(path)
        with pytest.raises(DamagedLog, match="was taken away while it was read"):
            read_turns(lineage, ItemsView.FULL)
