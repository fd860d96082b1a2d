"""A compaction without replacement history, as old clients wrote it: what is left of the history.

The drafts keep to sizes whose outcome can be told by hand; the client is the judge.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from handmade.draft import Draft, JsonObject
from refclient.driver import Driver
from refclient.install import Client
from refclient.replies import say

from tests.interop.conftest import Ask
from tests.interop.live import Live
from tests.interop.ours import is_older, our_history
from tests.interop.written import Case, Lines, put_to_client

pytestmark = pytest.mark.interop

LEFT = 40_000  # half of the budget of 20 000 tokens, in bytes: what is left when NEW has been kept
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE: JsonObject = {"type": "input_image", "image_url": f"data:image/png;base64,{DOT}"}


def of_size(word: str, size: int) -> str:
    """Return text of so many bytes that begins with `word` and differs all along."""
    return (word + "".join(f" {number}" for number in range(size)))[:size]


NEW = of_size("new", LEFT)


def said(text: str, kind: str = "input_text") -> JsonObject:
    """Return one text part."""
    return {"type": kind, "text": text}


def message(*parts: JsonObject, **members: object) -> JsonObject:
    """Return a user message of the given parts."""
    return {"type": "message", "role": "user", "content": list(parts), **members}


def compacted(*items: JsonObject, summary: str = "The summary.") -> Lines:
    """Return a case: items, then a plain compaction."""

    def lines(draft: Draft) -> None:
        for item in items:
            draft.item(item)
        draft.record("compacted", {"message": summary})

    return lines


def before_new(*parts: JsonObject, **members: object) -> Lines:
    """Return a case in which a message stands before one that takes half of the budget."""
    return compacted(message(*parts, **members), message(said(NEW)))


def twice(draft: Draft) -> None:
    """Write two compactions with turns between and after them."""
    for number, summary in enumerate(("The first summary.", "The second summary.")):
        draft.turn(f"turn-{number}", f"Question {number}.", f"Answer {number}.")
        draft.record("compacted", {"message": summary})
    draft.turn("turn-9", "A last question.", "A last answer.")


CASES: dict[str, Lines] = {
    "all fits": before_new(said("Small.")),
    "an empty summary": compacted(message(said("Small.")), summary=""),
    "two compactions": twice,
    "nothing but the model said": compacted({**message(said("Answer.", "output_text")), "role": "assistant"}),
    "context is not said by a user": compacted(
        message(said("<environment_context>here</environment_context>")),
        {**message(said("A developer's note.")), "role": "developer"},
        message(said("Small.")),
    ),
    "agents are no users": compacted(
        {"type": "agent_message", "author": "a", "recipient": "b", "content": [said("Between agents.")]},
        message(said("Small.")),
    ),
    "exactly the budget": before_new(said(of_size("old", LEFT))),
    "a byte too much": before_new(said(of_size("old", LEFT + 1))),
    "a token too much": before_new(said(of_size("old", LEFT + 4))),
    "far too much": before_new(said(of_size("old", 5 * LEFT))),
    "too much alone": compacted(message(said(of_size("only", 2 * LEFT + 5)))),
    "one token is left": compacted(message(said("a" * 50)), message(said(of_size("new", 2 * LEFT - 5)))),
    "nothing is left": compacted(message(said("a" * 50)), message(said(of_size("new", 2 * LEFT - 2)))),
    "an empty message when nothing is left": compacted(
        message(said("")), message(said(of_size("new", 2 * LEFT - 2)))
    ),
    "the newest of many": compacted(*(message(said(of_size(f"{n}", 15_000))) for n in range(9))),
    "cut inside two-byte characters": before_new(said("x" + "ü" * LEFT)),
    "cut inside four-byte characters": compacted(
        message(said("xy" + "\N{ROCKET}" * LEFT)), message(said(NEW + "x"))
    ),
    "no whole character is left": compacted(
        message(said("\N{ROCKET}" * 10)), message(said(of_size("new", 2 * LEFT - 4)))
    ),
    "lines": before_new(said("a line\n" * LEFT)),
    "parts stay parts": before_new(said("one"), said("two"), said("three")),
    "cut inside parts": before_new(*(said(of_size(name, 30_000)) for name in ("one", "two", "three"))),
    "cut between parts": before_new(*(said(of_size(name, LEFT // 2)) for name in ("one", "two", "three"))),
    "empty parts at the cut": before_new(
        said(""),
        said(of_size("one", LEFT // 2)),
        said(""),
        said(of_size("two", LEFT // 2)),
        said(""),
        said(of_size("three", LEFT // 2)),
        said(""),
    ),
    "parts cost what their bytes cost": compacted(
        message(said(of_size("old", 2 * LEFT - 8))), message(*[said("z")] * 8)
    ),
    "images go": before_new(said("see"), IMAGE, said("that")),
    "images alone leave an empty text": before_new(IMAGE),
    "images are cut away": before_new(IMAGE, said(of_size("old", LEFT + 4_000)), IMAGE),
    "images cost nothing": compacted(
        message(said(of_size("old", 2 * LEFT - 8))), message(said("zzzzzzzz"), IMAGE)
    ),
    "output text goes": before_new(said("in"), said("out", "output_text")),
    "output text is not counted": before_new(
        said(of_size("one", LEFT // 2)), said(of_size("out", LEFT), "output_text"), said(of_size("two", LEFT))
    ),
    "no parts at all": before_new(),
    "ids stay": before_new(said("see"), IMAGE, id="msg_1"),
    "ids stay in what is cut": before_new(said(of_size("old", 2 * LEFT)), id="msg_1"),
}


@pytest.fixture(scope="module")
def cases(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Every case, read by the client."""
    return put_to_client(ask, tmp_path_factory.mktemp("plain-compaction"), CASES)


@pytest.mark.parametrize("name", CASES)
def test_history_after_plain_compaction_is_the_clients(
    cases: dict[str, Case], client: Client, name: str
) -> None:
    """The kept messages, the cut one with its marker, and the summary."""
    case = cases[name]
    ours, theirs = our_history(case.home, case.thread_id), case.answers.history
    if is_older(client, 0, 169):
        # Before 0.169 a message was rebuilt as one part; which characters stay is the same.
        ours, theirs = as_one_part(ours), as_one_part(theirs)
    assert ours == theirs


def as_one_part(items: list[Any]) -> list[Any]:
    """Return messages with their text parts joined."""
    return [
        {**item, "content": "".join(part["text"] for part in item["content"])} if "content" in item else item
        for item in items
    ]


def test_earlier_summary_is_not_kept(live: Live, ask: Ask, tmp_path: Path) -> None:
    """A summary that the client wrote is recognised by its first words, and dropped.

    The words are the client's own and stand nowhere in this project: it is made to write them here.
    """
    driver = Driver(live.server, live.workspace)
    thread_id = driver.start("legacy")
    driver.turn(thread_id, "A question.", say("An answer."))
    driver.compact(thread_id, say("A summary of ours."))
    rollout = next(live.home.rglob(f"*{thread_id}.jsonl"))
    records = [json.loads(line) for line in rollout.read_bytes().splitlines()]
    summary = next(r["payload"]["message"] for r in records if r["type"] == "compacted")
    assert summary.endswith("A summary of ours.")

    history = compacted(message(said("Before.")), message(said(summary)), message(said("After.")))
    cut = compacted(message(said("Before.")), message(said(summary[:50])), message(said("After.")))
    cases = put_to_client(ask, tmp_path, {"whole": history, "its first words": cut})
    for case in cases.values():
        assert our_history(case.home, case.thread_id) == case.answers.history
    kept = [item["content"][0]["text"] for item in cases["whole"].answers.history]
    assert kept == ["Before.", "After.", "The summary."]
