"""The replay: from a base and the records behind it to the model history; rollback in it."""

from __future__ import annotations

import json

import pytest

from tests.builders import Home, Json, Rollout, compact_json, home, message, texts, thread

CONTEXT = "<environment_context>here</environment_context>"
PERMISSIONS = "<permissions instructions>all</permissions instructions>"
GHOST = {"type": "ghost_snapshot", "ghost_commit": {"id": "c"}}


def history(rollout: Rollout) -> list[Json]:
    """Return the model history of a rollout; the bounded and the full read must agree."""
    made: Home = home(rollout)
    items = json.loads(made.context(rollout).input_json())
    assert items == json.loads(made.context(rollout, reads_everything=True).input_json())
    assert isinstance(items, list)
    return items


def said(rollout: Rollout) -> list[str]:
    """Return the model history of a rollout as texts."""
    return texts(home(rollout).context(rollout))


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
def test_items_are_in_the_order_of_their_lines(mode: str) -> None:
    """Oldest first, whatever turn they belong to."""
    made = thread(mode=mode).user("a").start("t").assistant("b").end("t").user("c")
    assert said(made) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "item",
    [message("system", "rules"), {"type": "compaction_trigger"}, {"type": "from_next_year", "x": 1}, GHOST],
    ids=["system", "trigger", "unknown", "ghost"],
)
def test_what_is_no_history(item: Json) -> None:
    """System messages, triggers, unknown items and ghost snapshots are kept in the log alone."""
    assert said(thread().user("a").item(item).user("b")) == ["a", "b"]


@pytest.mark.parametrize(
    "kind",
    [
        "reasoning",
        "local_shell_call",
        "function_call",
        "tool_search_call",
        "tool_search_output",
        "custom_tool_call",
        "web_search_call",
        "image_generation_call",
        "compaction",
        "context_compaction",
        "additional_tools",
        "configuration_update",
    ],
)
def test_what_is_history_whatever_it_holds(kind: str) -> None:
    """Calls, outputs and the model's own marks are passed on unread."""
    item = {"type": kind, "unknown": {"deep": [1, None]}}
    assert history(thread().item(item)) == [item]


def test_items_keep_their_bytes() -> None:
    """White space, order and escapes of a stored item are those that are sent."""
    line = b'{"payload": {"role":"user","z":1.0, "type":"message" ,"content":[{"type":"input_text",'
    line += b'"text":"\\u00e9 \\/"}],"a":1e2},"timestamp":"t","type":"response_item","ordinal":1}\n'
    made = thread().raw(line)
    assert (
        home(made).context(made).input_json()
        == b"[" + line[line.index(b'{"role') : line.index(b',"timestamp')] + b"]"
    )


def test_a_call_without_output_stays_one() -> None:
    """Nothing is repaired: that is the sender's business."""
    call = {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"}
    assert history(thread().user("a").item(call).user("b"))[1] == call


def test_an_agents_communication_becomes_an_agent_message() -> None:
    """Author, recipient, and the content as one text part."""
    sent = {
        "author": "x",
        "recipient": "y",
        "other_recipients": ["z"],
        "content": "psst",
        "trigger_turn": True,
    }
    assert history(thread().record("inter_agent_communication", sent)) == [
        {
            "type": "agent_message",
            "author": "x",
            "recipient": "y",
            "content": [{"type": "input_text", "text": "psst"}],
        }
    ]


def test_damaged_lines_are_not_there() -> None:
    """The history is that of the lines that are records."""
    made = thread().user("a").raw(b"{broken\n\n\xff\xfe\n").record("nonsense", {}).user("b").raw(b'{"torn')
    assert said(made) == ["a", "b"]


def test_replacement_history_loses_its_ghost_snapshots() -> None:
    """So does the metadata that is aligned with it."""
    replaced = [message("user", "kept"), GHOST, message("assistant", "also")]
    made = thread().turn("one")
    made.compact(replacement_history=replaced, replacement_history_metadata=[{"n": n} for n in range(3)])
    assert said(made) == ["kept", "also"]


def test_an_empty_replacement_history_is_one() -> None:
    """Nothing is left but what follows."""
    assert said(thread().turn("one").compact(replacement_history=[]).user("two")) == ["two"]


def test_a_compaction_whose_metadata_does_not_align_is_no_record() -> None:
    """The line is passed over, so the history goes on as if nothing had happened."""
    made = thread().user("one").compact(replacement_history_metadata=[]).user("two")
    assert said(made) == ["one", "two"]


@pytest.mark.parametrize(
    ("num_turns", "expected"),
    [
        (0, ["dev", "q1", "a1", "q2", "a2"]),
        (1, ["dev", "q1", "a1"]),
        (2, ["dev"]),
        (9, ["dev"]),
        (2**32 - 1, ["dev"]),
    ],
)
def test_a_rollback_cuts_at_a_boundary(num_turns: int, expected: list[str]) -> None:
    """At the n-th boundary from the end, or the first if there are fewer; what precedes it stays."""
    made = thread(mode="legacy").item(message("developer", "dev"))
    made.user("q1").assistant("a1").user("q2").assistant("a2").rollback(num_turns)
    assert said(made) == expected


def test_a_rollback_without_boundaries_changes_nothing() -> None:
    """There is no turn to take back."""
    assert said(thread(mode="legacy").assistant("a").rollback(1)) == ["a"]


def test_a_rollback_beyond_32_bits_is_no_record() -> None:
    """The client counts turns in 32 bits; a line that does not fit is passed over."""
    assert said(thread(mode="legacy").user("a").rollback(2**32)) == ["a"]


@pytest.mark.parametrize(
    ("role", "text", "stays"),
    [
        ("user", CONTEXT, False),
        ("developer", PERMISSIONS, False),
        ("developer", "be brief", True),
        ("assistant", CONTEXT, True),
    ],
    ids=["contextual-user", "context-developer", "plain-developer", "assistant"],
)
def test_a_rollback_takes_the_turns_context_with_it(role: str, text: str, stays: bool) -> None:
    """Context written before the request goes; anything else before it stays."""
    made = thread(mode="legacy").user("q1").assistant("a1").item(message(role, text)).user("q2").rollback(1)
    assert said(made) == ["q1", "a1", *([text] if stays else [])]


def test_a_rollback_takes_several_context_items() -> None:
    """The cut moves on while the item before it is context."""
    made = thread(mode="legacy").user("q1").item(message("developer", PERMISSIONS)).user(CONTEXT).user("q2")
    assert said(made.rollback(1)) == ["q1"]


def test_a_rollback_never_cuts_before_the_first_boundary() -> None:
    """Context before the first request stays, also if all turns go."""
    assert said(thread(mode="legacy").user(CONTEXT).user("q1").rollback(1)) == [CONTEXT]


def test_a_rollback_takes_context_right_behind_the_first_boundary() -> None:
    """The move ends at the first boundary, which itself stays."""
    assert said(thread(mode="legacy").user("q1").user(CONTEXT).user("q2").rollback(1)) == ["q1"]


def test_a_rollback_behind_a_checkpoint_works_on_its_items() -> None:
    """It may leave none of them."""
    resume = {"previous_turn_settings": None}
    made = thread(mode="legacy").turn("one").compact(resume_metadata=resume)
    assert said(made) == ["summary"]
    assert said(made.rollback(1)) == []


def test_a_rollback_counts_boundaries_of_every_kind() -> None:
    """An agent's message begins a turn as well."""
    made = thread(mode="legacy").user("q1").assistant("a1")
    made.item({"type": "agent_message", "author": "x", "recipient": "y", "content": [], "text": "q2"})
    assert said(made.assistant("a2").rollback(1)) == ["q1", "a1"]


def test_input_json_of_nothing_is_an_empty_array() -> None:
    """A thread without history can be asked, too."""
    made = thread()
    assert home(made).context(made).input_json() == compact_json([])
