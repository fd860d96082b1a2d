"""The hand-made homes: early and damaged rollouts read as their expectations state by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollout import errors
from rollout.fs.posix import POSIX
from rollout.ids import ThreadId
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.replay.context import Context, read_context
from rollout.replay.lineage import Lineage
from rollout.store.opening import Opener
from rollout.store.turn_pages import read_turn_page, read_turns
from rollout.turns.paging import ItemsView, PageRequest, SortDirection

HANDMADE = Path(__file__).parents[2] / "fixtures" / "handmade"
STATED = [
    (path.parents[1], path.stem, json.loads(path.read_text()))
    for path in sorted(HANDMADE.glob("*/expected/*.json"))
]
READ = [
    pytest.param(home, thread_id, stated, id=f"{home.name}: {stated['about']}")
    for home, thread_id, stated in STATED
    if stated["error"] is None
]
REFUSED = [
    pytest.param(home, thread_id, stated["error"], id=stated["about"])
    for home, thread_id, stated in STATED
    if stated["error"] is not None
]


def open_lineage(home: Path, thread_id: str, max_line_bytes: int | None = None) -> Lineage:
    """Open a hand-made thread."""
    opener = Opener(POSIX, str(home), max_line_bytes or MAX_LINE_BYTES)
    return opener.open_thread(ThreadId(thread_id))


def plain(value: Any) -> Any:
    """Return a value as its JSON reads."""
    return msgspec.json.decode(msgspec.json.encode(value))


def full_context(home: Path, thread_id: str, stated: Any) -> Context:
    """Resume a hand-made thread, reading all of it."""
    with open_lineage(home, thread_id, stated["maxLineBytes"]) as lineage:
        return read_context(lineage, reads_everything=True)


@pytest.mark.parametrize("reads_everything", [False, True], ids=["bounded", "full"])
@pytest.mark.parametrize(("home", "thread_id", "stated"), READ)
def test_context_is_as_stated(home: Path, thread_id: str, stated: Any, reads_everything: bool) -> None:
    """The model history, whichever way it is read."""
    with open_lineage(home, thread_id, stated["maxLineBytes"]) as lineage:
        context = read_context(lineage, reads_everything=reads_everything)
        assert json.loads(context.input_json()) == stated["context"]


@pytest.mark.parametrize(("home", "thread_id", "stated"), READ)
def test_damage_is_as_stated(home: Path, thread_id: str, stated: Any) -> None:
    """Every span that is reported, oldest first, with its reason; and nothing else."""
    found = [
        {
            "rolloutId": each.rollout_id,
            "reason": each.reason.value,
            "startOffset": each.start_offset,
            "endOffset": each.end_offset,
        }
        for each in full_context(home, thread_id, stated).damage
    ]
    assert found == stated["damage"]


@pytest.mark.parametrize(("home", "thread_id", "stated"), READ)
def test_continuation_is_as_stated(home: Path, thread_id: str, stated: Any) -> None:
    """The ordinal to go on with, or why the thread cannot be continued."""
    context = full_context(home, thread_id, stated)
    assert context.next_ordinal == stated["nextOrdinal"]
    assert (stated["notResumable"] or "") in (context.not_resumable or "")
    assert (context.not_resumable is None) is (stated["notResumable"] is None)


@pytest.mark.parametrize(("home", "thread_id", "stated"), READ)
def test_turns_are_as_stated(home: Path, thread_id: str, stated: Any) -> None:
    """All turns in full."""
    with open_lineage(home, thread_id, stated["maxLineBytes"]) as lineage:
        turns = read_turns(lineage, ItemsView.FULL)
    assert plain(turns) == stated["turns"]


@pytest.mark.parametrize("direction", SortDirection)
@pytest.mark.parametrize(("home", "thread_id", "stated"), READ)
def test_turns_by_page_are_as_stated(
    home: Path, thread_id: str, stated: Any, direction: SortDirection
) -> None:
    """One turn a page, from either end."""
    found: list[Any] = []
    request = PageRequest(1, None, direction)
    while True:
        with open_lineage(home, thread_id, stated["maxLineBytes"]) as lineage:
            page = read_turn_page(lineage, request, ItemsView.FULL)
        found.extend(plain(page.data))
        if page.next_cursor is None:
            break
        request = PageRequest(1, page.next_cursor, direction)
    assert (found if direction is SortDirection.ASC else found[::-1]) == stated["turns"]


@pytest.mark.parametrize(("home", "thread_id", "error"), REFUSED)
def test_refusal_is_as_stated(home: Path, thread_id: str, error: Any) -> None:
    """The class of the error, its stable code, and what it says."""
    with pytest.raises(errors.RolloutError) as caught:
        open_lineage(home, thread_id).close()
    assert type(caught.value) is getattr(errors, error["class"])
    assert caught.value.code == error["code"]
    assert error["says"] in caught.value.message


@pytest.mark.parametrize(("home", "thread_id", "stated"), READ)
def test_reading_leaves_a_home_as_it_was(home: Path, thread_id: str, stated: Any) -> None:
    """Nothing is written beside the rollouts, and nothing to them."""
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    full_context(home, thread_id, stated)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
