"""The hand-made homes, put to the live client: what it can read comes out as is stated by hand.

What it refuses although a reader need not is listed, with the words of the refusal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from handmade.draft import uuid
from refclient.install import Client
from refclient.rpc import RefusalError

from rollout.turns.paging import ItemsView, SortDirection
from tests.conformance.test_handmade import HANDMADE, STATED
from tests.interop.asked import Answers
from tests.interop.conftest import Ask
from tests.interop.ours import as_shown_by

pytestmark = pytest.mark.interop

EARLY, DAMAGED = HANDMADE / "early", HANDMADE / "damaged"

REFUSED_BY_THE_CLIENT_ALONE = {
    "019c0000-0000-4000-8000-000000000010": "stream did not contain valid UTF-8",
    uuid(0x51): "incomplete frame",
    uuid(0x52): "Data corruption detected",
}
"""On purpose: one bad byte costs the client the whole thread, and us no more than it hides."""

NOT_TO_BE_CONTINUED = {
    uuid(0x25): "is missing an ordinal",
    uuid(0x26): "is missing an ordinal",
    uuid(0x46): "failed to parse first rollout record",
}
"""Read by both sides, opened for writing by neither."""

OTHERWISE_READ = {
    uuid(0x28): "the cap on lines is an argument of ours",
    uuid(0x47): "a copied header: see test_damage.py",
}
OTHERWISE_SHOWN = {
    uuid(0x21): "the client ends the unterminated line when it opens the thread: see test_damage.py",
    uuid(0x61): "a turn cut in two by a fork: the client shows the end that the parent's turn came to",
}
NOT_ASKED = {
    uuid(0x49): "resumed under the name's id the thread answers to the header's, as long as it is loaded",
    uuid(0x65): "what the client appends to it would make the base of its fork a true one",
}


def threads(home: Path, *, is_refused: bool, but: set[str] | frozenset[str] = frozenset()) -> list[Any]:
    """Return the threads of a home that open, or those that do not, as parameters."""
    return [
        pytest.param(thread_id, stated, id=stated["about"])
        for each, thread_id, stated in STATED
        if each == home
        and (stated["error"] is not None) is is_refused
        and thread_id not in {*but, *NOT_ASKED}
    ]


@pytest.fixture
def answers(ask: Ask, thread_id: str) -> Answers:
    """What the client says of one thread; parents have lower ids than their forks."""
    home = EARLY if (EARLY / "expected" / f"{thread_id}.json").exists() else DAMAGED
    asked = [other for each, other, _ in STATED if each == home and other not in NOT_ASKED]
    return ask(home, asked)[thread_id]


UNREAD = {*REFUSED_BY_THE_CLIENT_ALONE, *NOT_TO_BE_CONTINUED}


@pytest.mark.parametrize(
    ("thread_id", "stated"), threads(DAMAGED, is_refused=False, but={*UNREAD, *OTHERWISE_READ})
)
def test_history_is_as_stated(answers: Answers, thread_id: str, stated: Any) -> None:
    """The client goes on with the stated items."""
    assert answers.history == stated["context"]


@pytest.mark.parametrize(
    ("thread_id", "stated"), threads(DAMAGED, is_refused=False, but={*UNREAD, *OTHERWISE_SHOWN})
)
def test_turns_are_as_stated(answers: Answers, client: Client, thread_id: str, stated: Any) -> None:
    """The client lists the stated turns."""
    assert not isinstance(answers.turn_pages, RefusalError)
    pages = answers.turn_pages[ItemsView.FULL, SortDirection.ASC]
    assert [turn for page in pages for turn in page.entries] == as_shown_by(client, stated["turns"])


@pytest.mark.parametrize(("thread_id", "words"), REFUSED_BY_THE_CLIENT_ALONE.items())
def test_thread_is_refused_by_the_client_alone(answers: Answers, thread_id: str, words: str) -> None:
    """A reader need not give up what can be read."""
    assert isinstance(answers.sent, RefusalError)
    assert words in answers.sent.message


@pytest.mark.parametrize(("thread_id", "words"), NOT_TO_BE_CONTINUED.items())
def test_thread_that_is_stated_not_resumable_is_not_resumed(
    answers: Answers, thread_id: str, words: str
) -> None:
    """What we call not resumable the client does not open for writing."""
    assert isinstance(answers.sent, RefusalError)
    assert words in answers.sent.message


@pytest.mark.parametrize(("thread_id", "stated"), threads(DAMAGED, is_refused=True))
def test_refused_thread_is_refused_by_the_client_as_well(
    answers: Answers, thread_id: str, stated: Any
) -> None:
    """No history comes out of a file without header, or over a base that leads nowhere."""
    assert isinstance(answers.sent, RefusalError)


@pytest.mark.parametrize(("thread_id", "stated"), threads(EARLY, is_refused=False))
def test_early_thread_is_not_read_by_the_client(answers: Answers, thread_id: str, stated: Any) -> None:
    """On purpose: we read every era, the client the two since autumn 2025."""
    assert isinstance(answers.sent, RefusalError)
    assert isinstance(answers.turn_pages, RefusalError)
