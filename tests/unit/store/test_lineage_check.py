"""A check of a lineage: every link, every seal up to its cut, and what nothing vouches for."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

import fork
from rollout.errors import BrokenLineage
from rollout.format.record import Reason
from rollout.store.lineage_check import LineageCheck, check_lineage
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.altered import altered, record_turns, seals_in, store_of
from tests.builders import Rollout, home, thread
from tests.recorded_home import (
    LEGACY_ID,
    asked,
    home_of,
    legacy_home,
    new_home,
    new_thread,
    rollouts_of,
    settled,
)

LONG = "pear " * 15_000
"""An answer that alone fills what an anchor covers."""


def family(*answers: str) -> tuple[CrashFS, str, str]:
    """Return a home with a thread that has a turn for every answer and a fork with one turn; both ids."""
    fs, store = new_home()
    parent = new_thread(store)
    record_turns(store, parent, *answers)
    child = fork.fork_thread(store, parent).id
    record_turns(store, child, "Of the child.")
    return fs, parent, child


def check(store: Store, thread_id: str) -> LineageCheck:
    """Return what a check of a thread finds."""
    with store.open_thread(thread_id) as opened:
        return opened.check_lineage()


def made(*rollouts: Rollout) -> LineageCheck:
    """Return what a check of the last of some rollouts finds."""
    with home(*rollouts).open(rollouts[-1]) as lineage:
        return check_lineage(lineage)


def reasons(found: LineageCheck) -> list[Reason]:
    """Return why each span is damaged."""
    return [damage.reason for damage in found.damage]


def test_a_sealed_lineage_is_vouched_for_to_the_byte() -> None:
    """All that we recorded up to the fork point is sealed; a child's own header by its first seal."""
    fs, parent, child = family("Apple.", "Pear.")
    found = check(store_of(fs.files()), child)
    assert found.is_sound
    assert [one.thread_id for one in found.segments] == [parent, child]
    assert [(one.size_bytes, one.sealed_bytes) for one in found.segments] == [
        (len(fs.files()[rollouts_of(fs, name)[0]]),) * 2 for name in (parent, child)
    ]
    assert [one.unvouched_bytes for one in found.segments] == [0, 0]


def test_an_anchor_vouches_for_what_no_seal_does() -> None:
    """A legacy log of another client has no seals; the link knows its header and the bytes before the cut."""
    fs, store = legacy_home(*[settled(effort="x" * 200)] * 500, asked("Who?"))
    child = fork.fork_thread(store, LEGACY_ID).id
    older, newer = check(store, child).segments
    header = fs.files()[rollouts_of(fs, LEGACY_ID)[0]].index(b"\n") + 1
    assert (older.sealed_bytes, older.anchored_bytes) == (0, (64 << 10) + header)
    assert older.unvouched_bytes == older.size_bytes - older.anchored_bytes
    assert newer.unvouched_bytes == newer.size_bytes


def test_what_another_client_forked_is_vouched_for_by_nothing() -> None:
    """It stores neither seals nor anchors."""
    root = thread(1).turn("one")
    found = made(root, root.fork(2).turn("two"))
    assert found.is_sound
    assert not any(one.has_anchor for one in found.segments)
    assert [one.unvouched_bytes for one in found.segments] == [one.size_bytes for one in found.segments]


@pytest.mark.parametrize("word", [b"Apple.", b"Of the child."])
def test_an_altered_letter_is_found_in_any_segment(word: bytes) -> None:
    """Also far before what the anchor covers."""
    fs, _, child = family("Apple.", LONG, "Plum.")
    path = next(path for path, content in fs.files().items() if word in content)
    found = check(altered(fs.files(), path, fs.files()[path].index(word)), child)
    assert reasons(found) == [Reason.BROKEN_SEAL]
    assert found.damage[0].path == path


def test_what_a_broken_seal_covers_is_vouched_for_by_nothing() -> None:
    """The other ranges still are."""
    fs, parent, child = family("Apple.", LONG, "Plum.")
    path = rollouts_of(fs, parent)[0]
    content = fs.files()[path]
    first = seals_in(content)[0]
    older = check(altered(fs.files(), path, content.index(b"Apple.")), child).segments[0]
    # Its own text lies in the range of the next seal, and the anchor knows the header.
    header = content.index(b"\n") + 1
    assert older.unvouched_bytes == first.end_offset - header
    assert older.sealed_bytes == len(content) - first.end_offset


def test_what_a_parent_wrote_behind_the_cut_does_not_count() -> None:
    """Altered, torn or sealed: it is not of this lineage."""
    fs, parent, child = family("Apple.")
    expected = check(store_of(fs.files()), child)
    record_turns(home_of(fs), parent, "Later.")
    path = rollouts_of(fs, parent)[0]
    later = {**fs.files(), path: fs.files()[path] + b"\xff\n{torn"}
    assert check(store_of(later), child) == expected


@pytest.mark.parametrize(
    "alter",
    [lambda content: content[:-1], lambda content: b"", lambda content: content.replace(b"Pear.", b"Bear.")],
    ids=["truncated", "emptied", "rewritten"],
)
def test_a_link_that_does_not_hold_is_an_error(alter: Callable[[bytes], bytes]) -> None:
    """It names the link: nothing can be said of a history that is not that one."""
    fs, parent, child = family("Apple.", "Pear.")
    path = rollouts_of(fs, parent)[0]
    store = store_of({**fs.files(), path: alter(fs.files()[path])})
    with pytest.raises(BrokenLineage, match=f"rollout {child} -> base {parent}") as broken:
        check(store, child)
    assert (broken.value.code, broken.value.rollout_id, broken.value.base_id) == (
        "log.damaged",
        child,
        parent,
    )


def test_a_cut_inside_a_line_is_damage() -> None:
    """Only another client's base has one."""
    root = thread(1).turn("one")
    at = {**root.position, "end_byte_offset": len(root.log()) - 9}
    assert Reason.CUT_LINE in reasons(made(root, root.fork(2, at=at)))


@pytest.mark.parametrize("shift", [-1, 2])
def test_ordinals_that_do_not_run_on_over_a_link_are_damage(shift: int) -> None:
    """Expected against found, with the place."""
    root = thread(1).turn("one")
    ordinal = root.next_ordinal + shift
    found = made(root, root.fork(2, at={**root.position, "end_ordinal_exclusive": ordinal}))
    assert reasons(found) == [Reason.ORDINAL]
    assert re.search(rf"expected ordinal {root.next_ordinal}.*found {ordinal}", found.damage[0].detail)


def test_a_child_that_counts_from_elsewhere_is_damage() -> None:
    """Its header takes the ordinal of the base."""
    root = thread(1).turn("one")
    child = root.fork(2)
    child.content = child.content.replace(b'"ordinal":%d' % root.next_ordinal, b'"ordinal":0', 1)
    found = made(root, child)
    assert reasons(found) == [Reason.ORDINAL]
    assert "header" in found.damage[0].detail


def test_the_lines_of_a_legacy_parent_are_counted() -> None:
    """It stores no ordinals, so its base says how many lines there are."""
    root = thread(1, "legacy").turn("one")
    lines = root.log().count(b"\n")
    at = {"thread_id": root.rollout_id, "end_ordinal_exclusive": lines, "end_byte_offset": len(root.log())}
    assert made(root, thread(2, base=at)).is_sound
    wrong = {**at, "end_ordinal_exclusive": lines + 1}
    assert reasons(made(root, thread(2, base=wrong))) == [Reason.ORDINAL]


def test_damage_before_the_cut_is_found_with_its_span() -> None:
    """Line by line, as a check of the file finds it."""
    root = thread(1).turn("one")
    start = len(root.log())
    root.raw(b"\xff\n").turn("two")
    (damage,) = made(root, root.fork(2)).damage
    assert (damage.reason, damage.start_offset, damage.end_offset) == (Reason.BAD_UTF8, start, start + 2)
