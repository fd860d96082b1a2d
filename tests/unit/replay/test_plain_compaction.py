"""A compaction without replacement history: what of the history it leaves, within its budget."""

from __future__ import annotations

import json
from hashlib import blake2b

import pytest

from rollout.replay import history as history_module
from rollout.replay.history import truncate_middle
from tests.builders import Json, Rollout, home, message, texts, thread

BUDGET_BYTES = 80_000


def plainly(rollout: Rollout, summary: str = "so far", **members: object) -> Rollout:
    """Add a compaction that says only what came before in words."""
    return rollout.compact(summary, is_plain=True, **members)


def history(rollout: Rollout) -> list[Json]:
    """Return the model history of a rollout."""
    items = json.loads(home(rollout).context(rollout).input_json())
    assert isinstance(items, list)
    return items


def said(rollout: Rollout) -> list[str]:
    """Return the model history of a rollout as texts."""
    return texts(home(rollout).context(rollout))


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
def test_the_users_messages_and_the_summary_stay(mode: str) -> None:
    """Answers and context go; the next turn sends its context anew."""
    made = thread(mode=mode).item(message("developer", "dev")).user("<skill>x</skill>").user("q1")
    made = plainly(made.assistant("a1").user("q2")).user("q3")
    assert said(made) == ["q1", "q2", "so far", "q3"]


def test_the_summary_is_a_user_message() -> None:
    """Hence a boundary that a rollback can take back."""
    made = plainly(thread(mode="legacy").user("q1"))
    assert history(made)[-1] == message("user", "so far")
    assert said(made.rollback(1)) == ["q1"]


def test_an_empty_summary_says_so() -> None:
    """The model is told that nothing is known."""
    assert said(plainly(thread().user("q1"), "")) == ["q1", "(no summary available)"]


def test_agents_messages_go() -> None:
    """They are boundaries, but not the user's."""
    agent = {"type": "agent_message", "author": "x", "recipient": "y", "content": []}
    made = plainly(thread().item(agent).assistant('{"author":"x","recipient":"y","content":"z"}').user("q"))
    assert said(made) == ["q", "so far"]


def test_two_in_a_row_keep_the_first_summary() -> None:
    """Without the words that clients put before a summary it is a user message like any other."""
    assert said(plainly(plainly(thread().user("q1"), "first"), "second")) == ["q1", "first", "second"]


def test_an_earlier_summary_is_recognised_by_its_first_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user message that begins with the fixed words is no message of the user."""
    words = "w" * 400
    digest = blake2b(words.encode(), digest_size=32).hexdigest()
    monkeypatch.setattr(history_module, "_SUMMARY_PREFIX_DIGEST", digest)
    made = plainly(thread().user("q1").user(f"{words} and so on").user(words[1:]))
    assert said(made) == ["q1", words[1:], "so far"]


def test_a_plain_compaction_behind_a_checkpoint_works_on_its_items() -> None:
    """The newest compaction is plain, so everything is read, and the older one is the base."""
    assert said(plainly(thread().turn("one").compact("base").user("q2"))) == ["base", "q2", "so far"]


def test_a_plain_compaction_voids_the_reference() -> None:
    """Also if a newer turn has a context: what it was diffed against is gone."""
    made = plainly(thread().turn("one")).turn("two")
    context = home(made).context(made)
    assert context.reference_context is None
    assert context.previous_turn_settings is not None


def test_messages_up_to_the_budget_stay_whole() -> None:
    """Twenty thousand tokens of four bytes, exactly."""
    made = plainly(thread().user("old").user("a" * (BUDGET_BYTES - 4)).user("1234"))
    assert said(made) == ["a" * (BUDGET_BYTES - 4), "1234", "so far"]


def test_a_token_begun_is_a_token_spent() -> None:
    """A message of one byte costs as much as one of four."""
    made = plainly(thread().user("a" * (BUDGET_BYTES - 4)).user("1"))
    assert said(made) == ["a" * (BUDGET_BYTES - 4), "1", "so far"]


def test_the_message_that_crosses_the_budget_is_cut_in_its_middle() -> None:
    """Half of what is left from the front, half from the back, the number of tokens removed between."""
    long = "f" * 100_000 + "b" * 100_000
    made = plainly(thread().user("older").user(long).user("x" * (BUDGET_BYTES - 400)))
    cut = history(made)[0]
    assert [part["text"] for part in cut["content"]] == ["f" * 200, "…49900 tokens truncated…", "b" * 200]
    assert said(made)[1:] == ["x" * (BUDGET_BYTES - 400), "so far"]


def test_a_message_that_crosses_by_a_byte_is_cut() -> None:
    """One byte over the budget costs a token."""
    made = plainly(thread().user("a" * (BUDGET_BYTES + 1)))
    half = "a" * (BUDGET_BYTES // 2)
    assert [part["text"] for part in history(made)[0]["content"]] == [
        half,
        "…1 tokens truncated…",
        half,
    ]


def test_a_cut_message_keeps_its_id() -> None:
    """Whoever stored it can still tell which message it was."""
    assert history(plainly(thread().user("a" * (BUDGET_BYTES + 1), id="m1")))[0]["id"] == "m1"


def test_only_text_parts_are_kept() -> None:
    """An image is let go; the text beside it stays."""
    image = {"type": "input_image", "image_url": "data:,"}
    made = thread().item(
        {**message("user", "look", id="m1"), "content": [image, *message("user", "look")["content"]]}
    )
    assert history(plainly(made))[0] == message("user", "look", id="m1")


def test_nothing_is_kept_once_the_budget_is_spent() -> None:
    """Not even a message without a byte."""
    made = plainly(thread().user("").user("a" * BUDGET_BYTES))
    assert said(made) == ["a" * BUDGET_BYTES, "so far"]


def test_the_budget_is_spent_in_halves() -> None:
    """As many bytes stay at the front as at the back."""
    assert truncate_middle(["0123456789abcdef"], 3) == ["012345", "…1 tokens truncated…", "abcdef"]


def test_a_character_that_the_cut_would_split_is_left_out() -> None:
    """What stays is text: no half of a character is sent."""
    front, marker, back = truncate_middle(["é" * 3 + "x" * 20 + "é" * 3], 2)
    assert (front, marker, back) == ("éé", "…6 tokens truncated…", "éé")
    assert truncate_middle(["x" + "é" * 20 + "x"], 1) == ["x", "…10 tokens truncated…", "x"]
