"""Bases that no client writes, but reads: where exactly a fork's inherited history ends.

The history ends at the base's offset, the turns at its ordinal; the client asks nothing further of
the two. We list no turn from behind the offset, either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from handmade.draft import Draft, uuid
from refclient.install import Client
from refclient.rpc import RefusalError

from rollout.turns.paging import ItemsView, SortDirection
from tests.interop.asked import Answers
from tests.interop.conftest import Ask
from tests.interop.ours import as_shown_by, our_history, our_turns

pytestmark = pytest.mark.interop

PARENT = uuid(0xBA5E)
TURNS = {number: (f"turn-{number}", f"Question {number}.", f"Answer {number}.") for number in (1, 2, 3, 9)}


@dataclass(frozen=True)
class Base:
    """Where a fork says that its inherited history ends."""

    end_ordinal: int
    end_offset: int


def parent() -> Draft:
    """Return three turns: the header has ordinal 0, the turns have 1-7, 8-14 and 15-21."""
    draft = Draft(PARENT, "paginated")
    draft.header()
    for number in (1, 2, 3):
        draft.turn(*TURNS[number])
    return draft


def line_ends(content: bytes) -> list[int]:
    """Return the offset behind each line; the place in the list is the line's ordinal."""
    return [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]


ENDS = line_ends(parent().content)
BASES = {
    "behind the header": Base(1, ENDS[0]),
    "inside the header": Base(1, ENDS[0] - 9),
    "behind a turn": Base(15, ENDS[14]),
    "a byte behind a turn": Base(15, ENDS[14] + 1),
    "before a turn's last newline": Base(15, ENDS[14] - 1),
    "inside a turn": Base(11, ENDS[10]),
    "inside an item": Base(10, ENDS[10] - 9),
    "behind an item, before its newline": Base(11, ENDS[10] - 1),
    "an ordinal before its offset": Base(8, ENDS[14]),
    "an ordinal behind its offset": Base(22, ENDS[14]),
}
OTHERWISE_SHOWN = {
    "before a turn's last newline",
    "inside a turn",
    "inside an item",
    "behind an item, before its newline",
    "an ordinal behind its offset",
}


@dataclass(frozen=True)
class Family:
    """The parent with its forks, untouched, and what the client said of each fork."""

    home: Path
    thread_ids: dict[str, str]
    answers: dict[str, Answers]


@pytest.fixture(scope="module")
def family(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> Family:
    """Every fork with a turn of its own, read by the client."""
    home = tmp_path_factory.mktemp("bases")
    parent().write_to(home)
    thread_ids = {name: uuid(number) for number, name in enumerate(BASES, start=1)}
    for name, base in BASES.items():
        draft = Draft(thread_ids[name], "paginated", first_ordinal=base.end_ordinal)
        link = {
            "thread_id": PARENT,
            "end_ordinal_exclusive": base.end_ordinal,
            "end_byte_offset": base.end_offset,
        }
        draft.header(history_base=link)
        draft.turn(*TURNS[9])
        draft.write_to(home)
    return Family(home, thread_ids, ask(home, [PARENT, *thread_ids.values()]))


def turns_of(answers: Answers) -> list[Any]:
    """Return the turns that the client lists."""
    assert not isinstance(answers.turn_pages, RefusalError)
    pages = answers.turn_pages[ItemsView.FULL, SortDirection.ASC]
    return [turn for page in pages for turn in page.entries]


@pytest.mark.parametrize("name", BASES)
def test_history_ends_at_the_offset(family: Family, name: str) -> None:
    """A line that the offset cuts is none, unless only its newline is missing."""
    thread_id = family.thread_ids[name]
    assert our_history(family.home, thread_id) == family.answers[thread_id].history


@pytest.mark.parametrize("name", [name for name in BASES if name not in OTHERWISE_SHOWN])
def test_turns_end_at_the_ordinal(family: Family, client: Client, name: str) -> None:
    """Turns from the ordinal on are not shown, even when the history has them."""
    thread_id = family.thread_ids[name]
    ours = as_shown_by(client, our_turns(family.home, thread_id))
    assert ours == turns_of(family.answers[thread_id])


@pytest.mark.parametrize("name", sorted(OTHERWISE_SHOWN - {"an ordinal behind its offset"}))
def test_turn_cut_in_two_is_shown_by_the_client_as_its_parent_ended_it(family: Family, name: str) -> None:
    """On purpose: the client shows the parent's row, we show what the fork inherited.

    A history is a function of the lineage alone: what the parent does later is no part of it.
    """
    thread_id = family.thread_ids[name]
    assert [turn["status"] for turn in turns_of(family.answers[thread_id])] == ["completed"] * 3
    ours = our_turns(family.home, thread_id)
    assert [turn["status"] for turn in ours] == ["completed", "interrupted", "completed"]


def test_turns_behind_the_offset_are_not_shown_by_us(family: Family) -> None:
    """On purpose: where ordinal and offset disagree, the client lists a turn that is no history."""
    thread_id = family.thread_ids["an ordinal behind its offset"]
    shown = [turn["id"] for turn in turns_of(family.answers[thread_id])]
    assert shown == ["turn-1", "turn-2", "turn-3", "turn-9"]
    assert [turn["id"] for turn in our_turns(family.home, thread_id)] == ["turn-1", "turn-2", "turn-9"]
