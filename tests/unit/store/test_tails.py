"""What stands at a rollout's end when recording begins: torn, glued, unfinished; and what becomes of it."""

from __future__ import annotations

import pytest

from rollout.errors import Conflict, DamagedLog
from rollout.format.record import Reason
from rollout.testing.crashfs import CrashFS
from tests.recorded_home import (
    HOME,
    check_whole,
    content_of,
    home_of,
    legacy_home,
    lines_of,
    new_home,
    new_thread,
    rollouts_of,
    said,
    texts_of,
)
from tests.unit.log.packed import frame
from tests.unit.made_lines import header, line, message

TORN = b'{"timestamp":"2026-11-21T00:00:0'
GLUED = b'{"timestamp":"2026' + line("event_msg", {"type": "token_count", "info": None}, ordinal=5)


def home_with(end: bytes) -> tuple[CrashFS, str, str]:
    """Return a home with one thread of one turn, and these bytes at its end; its id and path."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn("Before?"):
        pass
    (path,) = rollouts_of(fs, thread_id)
    fs.open_append(path).append(end)
    return fs, thread_id, path


def record_turn(fs: CrashFS, thread_id: str) -> None:
    """Record another turn, in a store opened anew."""
    with home_of(fs).record(thread_id) as recorder, recorder.turn("After?"):
        pass


def history(fs: CrashFS, thread_id: str) -> list[str]:
    """Return the texts of the model's history."""
    with home_of(fs).open_thread(thread_id) as thread:
        return texts_of(thread)


@pytest.mark.parametrize("torn", [TORN, bytes(5000), b"\xff\xfe", b'{"a', b"x" * 100_000])
def test_a_torn_tail_is_moved_away_and_reported(torn: bytes) -> None:
    """Its bytes are kept, and durable there before they are cut off; then recording goes on."""
    fs, thread_id, path = home_with(torn)
    whole = fs.files()[path].removesuffix(torn)
    with home_of(fs).record(thread_id) as recorder:
        assert recorder.torn_tail is not None
        assert recorder.torn_tail.reason is Reason.TORN_TAIL
        assert recorder.torn_tail.start_offset == len(whole)
        assert fs.files()[path] == whole
        recorder.turn("After?").complete()
    kept = [content for name, content in fs.files().items() if "/quarantine/" in name]
    assert kept == [torn]
    assert history(fs, thread_id) == ["Before?", "After?"]
    assert check_whole(content_of(fs, thread_id)) == 2


def test_a_whole_rollout_has_no_torn_tail() -> None:
    """Nothing is moved, and nothing written by opening."""
    fs, thread_id, path = home_with(b"")
    before = fs.files()[path]
    with home_of(fs).record(thread_id) as recorder:
        assert recorder.torn_tail is None
    assert fs.files()[path] == before


@pytest.mark.parametrize(
    "end",
    [
        line("event_msg", {"type": "token_count", "info": None}, ordinal=9).rstrip(b"\n"),
        line("brand_new", {}).rstrip(b"\n"),
        line("event_msg", {"type": "brand_new"}, ordinal=9).rstrip(b"\n"),
        line("response_item", {"type": "message"}, ordinal=9).rstrip(b"\n"),
        b"   ",
    ],
    ids=["a record", "an unknown type", "an unknown event", "a bad payload", "space"],
)
def test_a_whole_line_without_its_newline_gets_it(end: bytes) -> None:
    """Whatever it says, it is somebody's; the next line begins on a line of its own."""
    fs, thread_id, path = home_with(end)
    record_turn(fs, thread_id)
    assert end + b"\n" in fs.files()[path]
    assert history(fs, thread_id) == ["Before?", "After?"]
    assert not [name for name in fs.files() if "/quarantine/" in name]


def test_an_over_long_line_without_its_newline_stays() -> None:
    """Whether it is whole cannot be told; what is recorded behind it is read."""
    fs, thread_id, path = home_with(b'{"timestamp":"' + b"x" * 5000)
    store = home_of(fs, max_line_bytes=4000)
    with store.record(thread_id) as recorder, recorder.turn("After?"):
        pass
    assert b"x\n" in fs.files()[path]
    with store.open_thread(thread_id) as thread:
        assert len(thread.context().items) == 2


def test_half_a_line_with_a_whole_one_behind_it_is_named() -> None:
    """Known from the field: a client goes on behind a write that a crash cut short.

    Both are lost to every reader; what was damaged is told, and recording goes on behind it.
    """
    fs, thread_id, path = home_with(GLUED)
    start = fs.files()[path].index(GLUED)
    with home_of(fs).open_thread(thread_id) as thread:
        (damage,) = thread.context(full_replay=True).damage
    assert (damage.start_offset, damage.end_offset) == (start, start + len(GLUED))
    assert damage.reason is Reason.NOT_JSON
    assert damage.detail == f"half a line, and behind it, from byte {start + 18} on, a whole one"
    record_turn(fs, thread_id)
    behind = fs.files()[path][start + len(GLUED) :]
    assert lines_of(behind)[0]["ordinal"] == lines_of(fs.files()[path][:start])[-1]["ordinal"] + 1
    assert history(fs, thread_id) == ["Before?", "After?"]


def test_the_seal_covers_damage_that_was_found() -> None:
    """So that it is no worse later."""
    fs, thread_id, path = home_with(GLUED)
    record_turn(fs, thread_id)
    content = fs.files()[path]
    seal = content.rindex(b',"seal":"')
    covered_from = int(content[seal + 9 :].split(b".")[0])
    assert covered_from < content.index(GLUED)


def paginated(*lines: bytes) -> tuple[CrashFS, str]:
    """Return a home with a paginated rollout of another client's making, and its thread's id."""
    first = header("01a1fc4b-0000-7000-8000-00000000000b", history_mode="paginated")
    path = (
        f"{HOME}/sessions/2026/11/20/rollout-2026-11-20T10-00-00-01a1fc4b-0000-7000-8000-00000000000b.jsonl"
    )
    numbered = first.replace(b'"type":"session_meta"', b'"ordinal":0,"type":"session_meta"')
    return CrashFS({path: b"".join((numbered, *lines))}), "01a1fc4b-0000-7000-8000-00000000000b"


def test_a_last_record_without_an_ordinal_is_not_gone_on_from() -> None:
    """Which number would be next? Nothing is touched, and the reason is given."""
    fs, thread_id = paginated(message("user", "?"))
    before = content_of(fs, thread_id)
    with pytest.raises(DamagedLog, match="missing an ordinal"):
        home_of(fs).record(thread_id)
    assert content_of(fs, thread_id) == before
    with pytest.raises(DamagedLog):  # the lease was given back
        home_of(fs).record(thread_id)


def test_lines_of_unknown_type_do_not_count() -> None:
    """The next ordinal is the last record's and one more, as every client has it."""
    counted = line("response_item", {"type": "brand_new"}, ordinal=1)
    fs, thread_id = paginated(counted, line("brand_new", {}, ordinal=2), line("checkpoint", {}))
    with home_of(fs).record(thread_id) as recorder:
        assert recorder.next_ordinal == 2


def test_a_header_that_is_not_first_is_not_gone_on_from() -> None:
    """The other client refuses such a file, too."""
    fs, store = legacy_home()
    (path,) = [name for name in fs.files() if name.endswith(".jsonl")]
    content = message("user", "?") + fs.files()[path]
    again = CrashFS({path: content})
    thread_id = path[-42:-6]
    with pytest.raises(DamagedLog, match="does not start with its session metadata"):
        home_of(again).record(thread_id)
    assert again.files()[path] == content
    store.record(thread_id).close()


def test_an_archived_thread_is_not_recorded() -> None:
    """It is unarchived first."""
    fs, thread_id, path = home_with(b"")
    fs.make_folders(f"{HOME}/archived_sessions")
    fs.replace(path, f"{HOME}/archived_sessions/{path.rpartition('/')[2]}")
    with pytest.raises(Conflict, match="it is archived"):
        home_of(fs).record(thread_id)


def test_a_compressed_rollout_is_made_plain_before_it_is_appended_to() -> None:
    """As the reference client does; whoever compressed it."""
    fs, thread_id, path = home_with(b"")
    fs.create(f"{path}.zst").append(frame(fs.files()[path]))
    before = fs.files()[path]
    fs.remove(path)
    with home_of(fs).record(thread_id) as recorder:
        recorder.turn(items=[said("user", "again")]).complete()
    assert fs.files()[path].startswith(before)
    assert f"{path}.zst" not in fs.files()
