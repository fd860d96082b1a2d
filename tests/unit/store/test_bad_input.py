"""What cannot be stored and read back is refused with a reason, and not one byte is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rollout.errors import InvalidRequest, NotFound
from rollout.format.encoding import MAX_LEVELS
from rollout.store.recorder import Recorder
from tests.recorded_home import (
    HOME,
    check_whole,
    content_of,
    home_of,
    new_home,
    new_thread,
    said,
    texts_of,
)

PART = {"type": "input_text", "text": "?"}


def nested(levels: int) -> dict[str, Any]:
    """Return an item that holds lists nested so deep."""
    inner: list[Any] = []
    for _ in range(levels):
        inner = [inner]
    return {"type": "reasoning", "summary": [], "extra": inner}


def containing_itself() -> dict[str, Any]:
    """Return an item that has no end."""
    item: dict[str, Any] = {"type": "reasoning", "summary": []}
    item["self"] = item
    return item


BAD_ITEMS: dict[str, Any] = {
    "a list": [],
    "none": None,
    "a text": "hello",
    "bytes of a list": b"[]",
    "bytes that are no JSON": b'{"type":',
    "bytes of two objects": b"{}{}",
    "bytes with a lone surrogate": b'{"type":"reasoning","x":"\\ud800"}',
    "bytes that are not UTF-8": b'{"type":"reasoning","x":"\xff"}',
    "bytes with NaN": b'{"type":"reasoning","x":NaN}',
    "empty bytes": b"",
    "no type": {"role": "user"},
    "a type that is no text": {"type": 5},
    "an unknown type": {"type": "brand_new"},
    "a ghost snapshot": {"type": "ghost_snapshot"},
    "a message without content": {"type": "message", "role": "user"},
    "a message without a role": {"type": "message", "content": [PART]},
    "a message of an unknown role": {"type": "message", "role": "narrator", "content": [PART]},
    "a message of one text": {"type": "message", "role": "user", "content": "?"},
    "a part of no type": {"type": "message", "role": "user", "content": [{"text": "?"}]},
    "a part of an unknown type": {"type": "message", "role": "user", "content": [{"type": "smell"}]},
    "a part without its text": {"type": "message", "role": "user", "content": [{"type": "input_text"}]},
    "a part whose text is a number": said("user", 5),  # type: ignore[arg-type]
    "an output of no kind": {"type": "function_call_output", "call_id": "c", "output": 5},
    "an output without output": {"type": "function_call_output", "call_id": "c"},
    "not a number": {"type": "reasoning", "summary": [], "x": float("nan")},
    "infinity": {"type": "reasoning", "summary": [], "x": float("-inf")},
    "a lone surrogate": said("user", "half \ud800"),
    "a key that is no text": {"type": "reasoning", 5: 6, (1,): 2},
    "a set": {"type": "reasoning", "x": {1, 2}},
    "bytes inside": {"type": "reasoning", "x": b"?"},
    "10,000 levels": nested(10_000),
    "one level too many": nested(MAX_LEVELS - 1),
    "10,000 levels of bytes": b'{"type":"reasoning","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "no end": containing_itself(),
}
BAD_SHOWN: dict[str, Any] = {
    "no type": {"id": "a"},
    "a type in lower case": {"type": "agentMessage", "id": "a"},
    "no id": {"type": "AgentMessage", "content": []},
    "an empty id": {"type": "AgentMessage", "id": ""},
    "content that is no list": {"type": "AgentMessage", "id": "a", "content": "?"},
    "a part that is a number": {"type": "AgentMessage", "id": "a", "content": [5]},
    "a text that is a number": {"type": "AgentMessage", "id": "a", "content": [{"type": "Text", "text": 5}]},
    "not a number": {"type": "Plan", "id": "a", "text": float("nan")},
    "a lone surrogate": {"type": "Plan", "id": "a", "text": "\ud800"},
    "as deep as the record around it may be": {**nested(MAX_LEVELS - 2), "type": "Plan", "id": "a"},
}
BAD_IDS = ["", "t", "../../etc/passwd", "/etc/passwd", "01a1fc4b-0000-7000-8000-00000000000", "\0", "é" * 36]


def refused(act: Callable[[Recorder], object], *, match: str | None = None) -> None:
    """Check that an act on a recorder is refused, nothing is written, and recording goes on."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder:
        before = content_of(fs, thread_id)
        with pytest.raises(InvalidRequest, match=match):
            act(recorder)
        assert content_of(fs, thread_id) == before
        recorder.turn("Fine.").complete()
    check_whole(content_of(fs, thread_id))
    with store.open_thread(thread_id) as thread:
        assert texts_of(thread) == ["Fine."]


@pytest.mark.parametrize("item", BAD_ITEMS.values(), ids=BAD_ITEMS)
def test_an_item_that_no_reader_takes_is_refused(item: Any) -> None:
    """As a turn's first, and as one among those of a compaction."""
    refused(lambda recorder: recorder.turn("?", items=[said("user", "fine"), item]))
    refused(lambda recorder: recorder.compact([said("user", "fine"), item]))


@pytest.mark.parametrize("item", BAD_ITEMS.values(), ids=BAD_ITEMS)
def test_an_open_turn_refuses_an_item_and_stays_open(item: Any) -> None:
    """What was recorded before it stands, and the turn goes on."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn("?") as turn:
        before = content_of(fs, thread_id)
        with pytest.raises(InvalidRequest):
            turn.append(item)
        assert content_of(fs, thread_id) == before
        turn.append(said("assistant", "!"))
    with store.open_thread(thread_id) as thread:
        assert texts_of(thread) == ["?", "!"]


@pytest.mark.parametrize("shown", BAD_SHOWN.values(), ids=BAD_SHOWN)
def test_a_shown_item_that_no_reader_shows_is_refused(shown: Any) -> None:
    """With the item that it belongs to."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn("?") as turn:
        before = content_of(fs, thread_id)
        with pytest.raises(InvalidRequest):
            turn.append(said("assistant", "!"), shown=shown)
        assert content_of(fs, thread_id) == before


@pytest.mark.parametrize("given", [("",), (None,), ("why", ""), ("why", None), ("\ud800",), (5,)])
def test_a_failure_says_why(given: tuple[Any, ...]) -> None:
    """In words, and with a word for its kind; refused, the turn is open still."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn("?") as turn:
        before = content_of(fs, thread_id)
        message, *kind = given
        with pytest.raises(InvalidRequest):
            turn.fail(message, **({"kind": kind[0]} if kind else {}))
        assert content_of(fs, thread_id) == before
        assert turn.is_open


@pytest.mark.parametrize("turn_id", BAD_IDS)
def test_a_turn_id_is_a_uuid(turn_id: str) -> None:
    """It goes into files and answers of other clients, which expect one."""
    refused(lambda recorder: recorder.turn("?", turn_id=turn_id), match="expected a UUID")


@pytest.mark.parametrize("text", [5, ["?"], b"?", "\udfff"])
def test_a_question_is_text(text: Any) -> None:
    """That UTF-8 can hold."""
    refused(lambda recorder: recorder.turn(text))


@pytest.mark.parametrize("thread_id", BAD_IDS)
def test_a_thread_that_is_named_by_a_trick_is_not_found(thread_id: str) -> None:
    """Nothing outside of the home is looked at or made."""
    fs, store = new_home()
    new_thread(store)
    before = fs.files()
    with pytest.raises((NotFound, InvalidRequest)):
        store.record(thread_id)
    assert fs.files() == before


@pytest.mark.parametrize("durability", ["", "always", "TURN"])
def test_a_durability_that_is_none_is_refused(durability: str) -> None:
    """Before the lease is taken."""
    _, store = new_home()
    thread_id = new_thread(store)
    with pytest.raises(InvalidRequest, match="durability"):
        store.record(thread_id, durability=durability)
    store.record(thread_id).close()


def test_ten_megabytes_of_text_are_fine() -> None:
    """They are stored once for the model and once for people."""
    fs, store = new_home()
    thread_id = new_thread(store)
    long = "long \u00e9\n" * 1_500_000
    with store.record(thread_id) as recorder, recorder.turn(long):
        pass
    with store.open_thread(thread_id) as thread:
        assert texts_of(thread) == [long]
    assert check_whole(content_of(fs, thread_id)) == 1


def test_a_line_over_the_cap_is_refused() -> None:
    """It could be written, and not be read."""
    fs, store = new_home()
    thread_id = new_thread(store)
    before = content_of(fs, thread_id)
    with home_of(fs, HOME, max_line_bytes=2000).record(thread_id) as recorder:
        with pytest.raises(InvalidRequest, match="a line may hold 2000"):
            recorder.turn("long " * 1000)
        assert content_of(fs, thread_id) == before
        recorder.turn("short").complete()


def test_as_many_levels_as_other_readers_take_are_fine() -> None:
    """They come back."""
    _, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn() as turn:
        turn.append(nested(MAX_LEVELS - 2))
    assert len(store.resume(thread_id).items) == 1


def test_no_text_of_a_path_gets_out_of_the_home() -> None:
    """Folders and models that look like paths are text like any other."""
    fs, store = new_home()
    with store.create_thread(cwd="/../../../tmp/x", model="../../../model") as thread:
        thread_id = thread.id
    with store.record(thread_id) as recorder, recorder.turn("../../x", cwd="/../y", model="/etc/passwd"):
        pass
    assert all(
        path.startswith((f"{HOME}/sessions/", f"{HOME}/.rollout/", f"{HOME}/thread-")) for path in fs.files()
    )
    assert not [path for path in fs.files() if ".." in path]
