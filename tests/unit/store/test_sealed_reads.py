"""Bytes altered behind a seal: every reader finds them, names them, and refuses unless told otherwise."""

from __future__ import annotations

import msgspec
import pytest

from rollout.errors import DamagedLog
from rollout.format.record import Damage, Reason
from rollout.store.root import Store
from rollout.testing.crashfs import CrashFS
from tests.altered import READERS, altered, record_turns, recorded, seals_in, store_of
from tests.recorded_home import (
    LEGACY_ID,
    content_of,
    home_of,
    legacy_home,
    new_home,
    new_thread,
    rollouts_of,
    said,
    settled,
)
from tests.unit.log.packed import frame
from tests.unit.made_lines import event


def with_word(fs: CrashFS, thread_id: str, word: bytes) -> Store:
    """Return a store over a copy in which the first letter of a word's last occurrence is another."""
    path = rollouts_of(fs, thread_id)[-1]
    return altered(fs.files(), path, fs.files()[path].rindex(word))


def broken_in(store: Store) -> list[Damage]:
    """Return the broken seals that a check of the home lists."""
    found = [damage for one in store.check(store.files_to_check()) for damage in one.damage]
    assert all(one.reason is Reason.BROKEN_SEAL for one in found)
    return found


@pytest.mark.parametrize("reader", READERS)
def test_an_altered_letter_is_refused_by_every_reader(reader: str) -> None:
    """Six letters of a stored answer used to go unnoticed wherever they were altered."""
    fs, thread_id = recorded("Apple.", "Pear.")
    with pytest.raises(DamagedLog):
        READERS[reader](with_word(fs, thread_id, b"Pear."), thread_id)


@pytest.mark.parametrize("reader", READERS)
def test_an_unaltered_log_is_read_by_every_reader(reader: str) -> None:
    """Nobody is accused."""
    fs, thread_id = recorded("Apple.", "Pear.")
    READERS[reader](store_of(fs.files()), thread_id)


def test_the_refusal_says_what_where_and_what_to_do() -> None:
    """Thread, rollout, span, the sealed record's ordinal, expected against found, and a hint."""
    fs, thread_id = recorded("Apple.", "Pear.")
    path = rollouts_of(fs, thread_id)[0]
    seal = seals_in(content_of(fs, thread_id))[1]
    with pytest.raises(DamagedLog) as refused:
        with_word(fs, thread_id, b"Pear.").resume(thread_id)
    message = refused.value.message
    assert message.startswith(f"reading thread {thread_id}: {path}, ")
    assert f"bytes {seal.start_offset}-{seal.line_end_offset}: " in message
    assert f"the seal of ordinal 15 at byte {seal.end_offset} does not hold: expected digest " in message
    assert f"rollout check {thread_id}" in (refused.value.hint or "")


def test_check_lists_every_broken_seal_with_its_span() -> None:
    """One broken range hides no other."""
    fs, thread_id = recorded("Apple.", "Pear.", "Plum.")
    path = rollouts_of(fs, thread_id)[0]
    content = content_of(fs, thread_id).replace(b"Apple.", b"Maple.").replace(b"Plum.", b"Glum.")
    first, _, last = seals_in(content)
    spans = [(one.start_offset, one.end_offset) for one in broken_in(store_of({path: content}))]
    assert spans == [
        (first.start_offset, first.line_end_offset),
        (last.start_offset, last.line_end_offset),
    ]


def test_allowed_damage_is_in_the_answer() -> None:
    """What was altered is shown as it stands, and said to be."""
    fs, thread_id = recorded("Apple.", "Pear.")
    store = with_word(fs, thread_id, b"Pear.")
    expected = broken_in(store)
    assert len(expected) == 1
    with store.open_thread(thread_id) as thread:
        assert thread.context(allow_damage=True).damage == expected
        assert thread.turns(allow_damage=True).damage == expected
        assert thread.items(allow_damage=True).damage == expected
        assert len(thread.all_turns(allow_damage=True)) == 2
        assert thread.broken_seals() == expected


def test_a_sound_page_says_nothing_of_damage() -> None:
    """The member is absent, as clients that do not know it expect."""
    fs, thread_id = recorded("Apple.")
    page = store_of(fs.files()).turns(thread_id, allow_damage=True)
    assert page.damage == []
    assert "rollout" not in msgspec.to_builtins(page)


def test_a_page_answers_only_for_what_it_read() -> None:
    """The newest page does not go over the whole log; who reads all of it finds the rest."""
    fs, thread_id = recorded("Apple.", *(f"{number} pears. " * 3000 for number in range(8)))
    store = with_word(fs, thread_id, b"Apple.")
    assert len(store.turns(thread_id, limit=1).data) == 1
    with pytest.raises(DamagedLog):
        store.turns(thread_id, limit=9)


def test_a_bounded_context_answers_only_for_what_it_read() -> None:
    """Behind a compaction nothing is read, and nothing verified."""
    fs, store = new_home()
    thread_id = new_thread(store)
    record_turns(store, thread_id, "Apple.", "Pear.")
    with store.record(thread_id) as recorder:
        recorder.compact([said("user", "fruit")])
    damaged = with_word(fs, thread_id, b"Apple.")
    assert damaged.resume(thread_id).damage == []
    with pytest.raises(DamagedLog):
        damaged.resume(thread_id, full_replay=True)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "word",
    [b"event_msg", b"task_complete", b"payload", b'"seal":"', b"seal", b'"}\n', b"}\n", b'{"timestamp"'],
)
def test_an_altered_newest_seal_is_missed_by_no_reader(word: bytes, reader: str) -> None:
    """Its line may be another record then, or none: it is found by its last bytes."""
    fs, thread_id = recorded("Apple.")
    with pytest.raises(DamagedLog):
        READERS[reader](with_word(fs, thread_id, word), thread_id)


@pytest.mark.parametrize("reader", READERS)
def test_what_another_client_appended_is_not_blamed(reader: str) -> None:
    """Behind the newest seal anything may stand, damaged lines and a torn tail too."""
    fs, thread_id = recorded("Apple.")
    path = rollouts_of(fs, thread_id)[0]
    junk = event("warning", message="low on space") + b'{"timestamp":"x","seal":"5.ab\n' + b'{"timest'
    READERS[reader](store_of({path: content_of(fs, thread_id) + junk}), thread_id)


@pytest.mark.parametrize("reader", READERS)
def test_the_newest_seal_is_found_behind_what_another_client_appended(reader: str) -> None:
    """Turns without seals stand behind ours."""
    fs, thread_id = recorded("Apple.")
    path = rollouts_of(fs, thread_id)[0]
    turn = [
        event("task_started", turn_id="t").replace(b'"type"', b'"ordinal":10,"type"', 1),
        event("task_complete", turn_id="t").replace(b'"type"', b'"ordinal":11,"type"', 1),
    ]
    content = content_of(fs, thread_id) + b"".join(turn)
    store = altered({path: content}, path, content.rindex(b"Apple."))
    with pytest.raises(DamagedLog):
        READERS[reader](store, thread_id)


@pytest.mark.parametrize("reader", READERS)
def test_a_legacy_thread_that_was_taken_over_is_verified(reader: str) -> None:
    """The last 64 KiB of the other client's bytes are covered by our first seal."""
    fs, store = legacy_home(settled(), event("user_message", message="theirs"))
    record_turns(store, LEGACY_ID, "Ours.")
    with pytest.raises(DamagedLog):
        READERS[reader](with_word(fs, LEGACY_ID, b"theirs"), LEGACY_ID)


@pytest.mark.parametrize("reader", READERS)
def test_a_compressed_rollout_is_verified(reader: str) -> None:
    """Offsets are of decoded bytes, so its seals stay what they are."""
    fs, thread_id = recorded("Apple.", "Pear.")
    path = rollouts_of(fs, thread_id)[0]
    content = content_of(fs, thread_id)
    READERS[reader](store_of({f"{path}.zst": frame(content)}), thread_id)
    with pytest.raises(DamagedLog):
        READERS[reader](store_of({f"{path}.zst": frame(content.replace(b"Pear.", b"Bear."))}), thread_id)


def test_a_sealed_event_that_only_a_newer_release_knows_is_no_damage() -> None:
    """Unknown is not wrong: what it covers is as it was written."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder:
        recorder.write([recorder.event({"type": "turn_rested"}, is_turn_end=True)])
    assert store.resume(thread_id).damage == []
    (checked,) = store.check(store.files_to_check())
    assert checked.is_sound
    assert checked.passed_over == {"unknownType": 1}
    assert len(seals_in(content_of(fs, thread_id))) == 1


def test_no_checkpoint_is_made_of_altered_bytes() -> None:
    """It would vouch for them: a resume would start there and look at no seal before it."""
    fs, thread_id = recorded("Apple.", "Pear.")
    path = rollouts_of(fs, thread_id)[0]
    content = content_of(fs, thread_id).replace(b"Pear.", b"Bear.")
    store = home_of(CrashFS({**fs.files(), path: content}))
    with store.record(thread_id) as recorder, pytest.raises(DamagedLog):
        recorder.checkpoint()
