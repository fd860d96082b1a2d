"""The heads of a home's rollouts: every file once, bounded, and nothing is passed over in silence."""

from __future__ import annotations

from rollout.store.headers import HEADER_SEARCH_BYTES, RolloutHead, Rollouts, iter_heads
from tests.builders import ARCHIVE, DAY, HOME, Home, home, thread, uuid


def rollouts_of(made: Home) -> Rollouts:
    """Return the rollouts of a home in memory."""
    return Rollouts(made.fs, HOME, made.opener.index, 1 << 20)


def heads_of(made: Home) -> dict[str, RolloutHead]:
    """Return the heads of a home by rollout id."""
    return {head.rollout_id: head for head in iter_heads(rollouts_of(made))}


def test_a_head_says_where_a_rollout_leaves_its_base() -> None:
    """The link, the rollout and the thread that it names."""
    parent = thread(1).turn("one")
    child = parent.fork(2, forked_from_id=uuid(1))
    head = heads_of(home(parent, child))[uuid(2)]
    assert head.base is not None
    assert (head.base_rollout_id, head.forked_from_id) == (uuid(1), uuid(1))
    assert head.base.end_byte_offset == len(parent.content)
    assert head.start_offset == head.size_bytes == len(child.content)


def test_the_base_of_a_legacy_rollout_is_ignored() -> None:
    """It names a thread that it was copied from, and no lineage follows anything else."""
    made = thread(2, "legacy", history_base=thread(1).turn("x").position, forked_from_id=uuid(1))
    head = heads_of(home(made))[uuid(2)]
    assert head.base is None
    assert head.forked_from_id == uuid(1)


def test_every_rollout_of_a_thread_has_its_head() -> None:
    """A revert is a rollout beside the one it left."""
    first = thread(1).turn("one").turn("two")
    heads = heads_of(home(first, first.revert(9, {**first.position})))
    assert {head.thread_id for head in heads.values()} == {uuid(1)}
    assert heads[uuid(9)].base_rollout_id == uuid(1)


def test_archived_and_compressed_rollouts_are_among_them() -> None:
    """Their headers are read like any other."""
    made = Home()
    made.put(thread(1).turn("one"), folder=ARCHIVE)
    made.put(thread(2).turn("two"), is_packed=True)
    heads = heads_of(made)
    assert heads[uuid(1)].file.is_archived
    assert heads[uuid(2)].owner_id == uuid(2)


def test_a_file_without_a_header_is_a_head_with_a_problem() -> None:
    """One broken file hides none of the others."""
    made = home(thread(1))
    made.fs.put(f"{DAY}/{thread(2).name()}", b"not a thread\n")
    heads = heads_of(made)
    broken = heads[uuid(2)].problem
    assert broken is not None
    assert broken.code == "log.damaged"
    assert heads[uuid(1)].problem is None


def test_the_header_of_another_thread_is_a_problem() -> None:
    """Name and header must agree on whose file it is."""
    made = Home()
    made.fs.put(f"{DAY}/{thread(2).name()}", thread(1).content)
    head = heads_of(made)[uuid(2)]
    assert head.problem is not None
    assert uuid(1) in head.problem.message
    assert head.owner_id == uuid(1)


def test_a_header_is_looked_for_only_so_far() -> None:
    """A long file without a header is not read to its end."""
    made = Home()
    path = f"{DAY}/{thread(1).name()}"
    made.fs.put(path, (b" " * 1023 + b"\n") * (HEADER_SEARCH_BYTES // 512))
    (head,) = iter_heads(rollouts_of(made))
    assert head.problem is not None
    assert made.fs.bytes_read <= 2 * HEADER_SEARCH_BYTES + (1 << 20)


def test_the_time_of_a_file_stands_in_for_a_time_that_is_none() -> None:
    """A header may hold any text there."""
    made = home(thread(1, timestamp="long ago"))
    (head,) = iter_heads(rollouts_of(made))
    assert head.created_at == head.modified_at
