"""Payloads of records, every kind that matters to a reader, as pools to draw from.

Ids come from few values, so that turns and items collide; some payloads are not of their type's
shape, and make their line no record. Simple ones come first: a shrinking search ends there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, Final

Json = dict[str, Any]
Body = tuple[str, Any]

TURN_IDS: Final = ("ta", "tb", "tc", "td")
ITEM_IDS: Final = ("ia", "ib", "ic")
WORDS: Final = ("hello", "", "grüße", "a\nb", "x" * 300)
LONG: Final = ("y" * 45_000, "é" * 30_000 + "z" * 41_001)
WINDOWS: Final = tuple(f"01a1fc4b-0000-7000-8000-00000000000{digit}" for digit in "ab")
OLD_AGENT: Final = '{"author":"x","recipient":"y","content":"z"}'
CONTEXTUAL: Final = (
    "<environment_context>here</environment_context>",
    " <SKILL>x</SKILL>\n",
    "# AGENTS.md instructions for /src\n<INSTRUCTIONS>x</INSTRUCTIONS>",
)
THREAD: Final = "01a1fc4b-0000-7000-8000-0000000000fe"
FAILURES: Final = ({"message": "no", "codex_error_info": "other"},)
REASONS: Final = ("interrupted",)
ACTIONS: Final = ({"type": "other"},)
COPIED_HEADER: Final = {
    "id": "01a1fc4b-0000-7000-8000-0000000000ff",
    "timestamp": "t",
    "cwd": "/",
    "originator": "made",
    "cli_version": "0",
}
_ABSENT: Final = object()


def every(**members: Iterable[Any]) -> list[Json]:
    """Return every combination of the members' values, the first of each first."""
    found = itertools.product(*members.values())
    named = (zip(members, values, strict=True) for values in found)
    return [{key: value for key, value in pairs if value is not _ABSENT} for pairs in named]


def maybe(*values: Any) -> tuple[Any, ...]:
    """Return values of a member that may also be left out."""
    return (_ABSENT, *values)


def message(role: str, *texts: str, **members: Any) -> Json:
    """Return a message item with one text part for each text."""
    kind = "output_text" if role == "assistant" else "input_text"
    parts = [{"type": kind, "text": text} for text in texts]
    return {"type": "message", "role": role, "content": parts, **members}


def totals(tokens: int) -> Json:
    """Return a count of tokens."""
    named = ("input_tokens", "total_tokens")
    return {
        **dict.fromkeys(named, tokens),
        "cached_input_tokens": 0,
        "output_tokens": 0,
        "reasoning_output_tokens": 0,
    }


REQUESTS: Final = [message("user", text) for text in WORDS] + [message("user", "named", id="m1")]
ANSWERS: Final = [message("assistant", text) for text in WORDS] + [
    message("assistant", "x", phase=phase) for phase in ("commentary", "final_answer")
]
CONTEXTS: Final = [message("user", text) for text in CONTEXTUAL] + [
    message("developer", text) for text in ("<permissions instructions>x", "<model_switch>\nx</model_switch>")
]
ITEMS: Final[list[Json]] = [
    *REQUESTS,
    *REQUESTS,
    *ANSWERS,
    *CONTEXTS,
    message("user"),
    message("user", "two", "parts"),
    message("user", "one part is", CONTEXTUAL[0]),
    message("developer", "plain"),
    message("system", "rules"),
    message("assistant", OLD_AGENT),
    *(message("user", text) for text in LONG),
    {"type": "agent_message", "author": "x", "recipient": "y", "content": []},
    {"type": "reasoning", "summary": [], "encrypted_content": "e"},
    {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
    {"type": "function_call_output", "call_id": "c", "output": "done"},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "x"}]},
    {"type": "function_call_output", "call_id": "c", "output": {"content": "x", "success": True}},
    {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]},
    {"type": "message", "role": "user", "content": [{"type": "from_next_year"}]},
    {"type": "message", "role": "user", "content": "plain"},
    {"type": "message", "role": "user"},
    {"type": "ghost_snapshot", "ghost_commit": {"id": "g"}},
    {"type": "compaction_trigger"},
    {"type": "from_next_year"},
    {"no": "type"},
]
"""Items of the model conversation; the last of them are none, or make no history."""

SETTINGS: Final = every(
    model=("model-one", "model-two"), comp_hash=maybe(None, "h"), realtime_active=maybe(None, True)
)


def contexts(turn_ids: Iterable[Any]) -> list[Json]:
    """Return payloads of `turn_context`; a few lack what they need."""
    needed = {"cwd": "/src/app", "approval_policy": "never", "sandbox_policy": {"type": "danger-full-access"}}
    named = every(turn_id=turn_ids)
    sound = [{**one, **needed, **settings} for settings in SETTINGS for one in named]
    odd = [{**one, **needed} for one in named]
    return (
        sound
        + odd
        + [{**one, **needed, "model": "m", "sandbox_policy": {"mode": "read-only"}} for one in named]
    )


STATES: Final[list[Json]] = [
    {},
    {"a": 1},
    {"a": 2, "b": 1},
    {"a": None},
    {"b": None, "c": {"x": 1, "y": 2}},
    {"c": {"x": None, "z": 3}},
    {"c": 1},
    {"a": {"x": {"y": None}}},
    {"a": [1, {"x": None}]},
]
WORLDS: Final = [*every(full=(True, False), state=STATES), {"full": True}, {"full": True, "state": []}]

USAGE_RECORDS: Final[list[Json]] = [
    *(
        {
            **dict.fromkeys(("thread_id", "session_id"), THREAD),
            **dict.fromkeys(("turn_id", "root_turn_id", "response_id"), "r"),
            **dict.fromkeys(("usage", "turn_token_usage", "thread_token_usage"), totals(tokens)),
        }
        for tokens in (1, 2, 3)
    ),
    {"thread_id": THREAD},
]
TOKEN_COUNTS: Final = every(
    type=("token_count",),
    info=(
        *(
            {
                **dict.fromkeys(("total_token_usage", "last_token_usage"), totals(tokens)),
                "model_context_window": 9,
            }
            for tokens in (10, 20)
        ),
        None,
    ),
    rate_limits=(None,),
)
_REPLACED: Final[tuple[list[Json], ...]] = (
    [REQUESTS[0]],
    [],
    [ANSWERS[0], CONTEXTS[0], REQUESTS[1]],
    [{"type": "ghost_snapshot"}, REQUESTS[2]],
)
NUMBERED: Final[list[Json]] = [
    {"window_number": 1, "window_id": WINDOWS[0], "first_window_id": WINDOWS[1], "previous_window_id": None},
    {"window_number": 2, "window_id": "odd", "first_window_id": WINDOWS[1]},
    {},
    {"window_id": 3},
]
RESUMED: Final[list[Json]] = [
    {},
    {"resume_metadata": {"previous_turn_settings": SETTINGS[4]}},
    {"resume_metadata": {"previous_turn_settings": None}},
    {"resume_metadata": {}},
]
USED: Final[list[Json]] = [
    {},
    {"latest_token_usage_record": USAGE_RECORDS[2]},
    {"latest_token_usage_record": None},
]


def compactions() -> list[Json]:
    """Return payloads of `compacted`: plain or not, with and without window; some out of shape."""
    rests = [{**one, **two, **three} for one, two, three in itertools.product(NUMBERED, RESUMED, USED)]
    modern = [{"message": "s", "replacement_history": items, **rest} for rest in rests for items in _REPLACED]
    plain = [{"message": text, **rest} for rest in rests for text in ("so far", "")]
    aligned = [
        {**one, "replacement_history_metadata": [{} for _ in one["replacement_history"]]}
        for one in modern[:8]
    ]
    misaligned = [{**one, "replacement_history_metadata": [{}] * 9} for one in (*modern[:4], *plain[:4])]
    return modern + plain + plain + aligned + misaligned


COMPACTIONS: Final = compactions()


def starts(turn_ids: Iterable[Any]) -> list[Json]:
    """Return events that start a turn."""
    kinds = ("task_started", "turn_started")
    return every(type=kinds, turn_id=turn_ids, started_at=maybe(1, 2), root_turn_id=maybe("root"))


def ends(turn_ids: Iterable[Any]) -> list[Json]:
    """Return events that end a turn: completions and aborts."""
    kinds = ("task_complete", "turn_complete", "turn_aborted", "turn_aborted")
    return every(
        type=kinds,
        reason=REASONS,
        turn_id=turn_ids,
        started_at=maybe(3),
        completed_at=maybe(4, 5),
        error=(_ABSENT, None, *FAILURES),
        root_turn_id=maybe("end-root"),
    )


def shown_items(turn_ids: Iterable[Any]) -> list[Json]:
    """Return events of visible items; a few are of a form that no reader knows."""
    said = [
        {"type": "AgentMessage", "id": item_id, "content": [{"type": "Text", "text": text}], **phase}
        for text in WORDS[:3]
        for phase in every(phase=maybe("commentary", "final_answer"))
        for item_id in ITEM_IDS
    ]
    asked = [
        {"type": "UserMessage", "id": item_id, "content": [{"type": "text", "text": text}]}
        for text in WORDS
        for item_id in ITEM_IDS
    ]
    odd = [{"type": "FromNextYear", "id": item_id} for item_id in ("odd", "ia")]
    return every(type=("item_completed",), thread_id=(THREAD,), turn_id=turn_ids, item=[*said, *asked, *odd])


SAID: Final = [{"type": "agent_message", "message": text} for text in WORDS]
ASKED: Final = [{"type": "user_message", "message": text} for text in WORDS]
_PATCH: Final = {"stdout": "", "stderr": "", "success": True, "status": "completed", "changes": {}}
PATCHES: Final = [
    {**named, **_PATCH}
    for named in every(type=("patch_apply_end",), call_id=ITEM_IDS[:2], turn_id=maybe("ta", "tb", ""))
]
REVIEWS: Final = every(
    type=("entered_review_mode",),
    item_id=maybe("ic"),
    turn_id=maybe("ta", "tz"),
    target=({"type": "uncommittedChanges"},),
)
EVENTS: Final[list[Json]] = [
    *ASKED,
    *SAID,
    *PATCHES,
    *REVIEWS,
    *every(type=("agent_reasoning", "agent_reasoning_raw_content"), text=WORDS[:3]),
    *every(type=("thread_rolled_back",), num_turns=(1, 0, 2, 3, -1)),
    *every(type=("thread_rolled_back",), num_turns=(1, 2)),
    *every(
        type=("web_search_end",),
        call_id=ITEM_IDS,
        query=WORDS[:2],
        action=ACTIONS,
        turn_id=maybe(*TURN_IDS),
    ),
    *TOKEN_COUNTS,
    *every(type=("turn_aborted",), reason=REASONS, completed_at=maybe(6)),
    {"type": "context_compacted"},
    {"type": "warning", "message": "w"},
    {"type": "task_complete"},
]
COMMUNICATION: Final = {
    "author": "/root/helper",
    "recipient": "/root",
    "other_recipients": [],
    "content": "z",
    "trigger_turn": True,
}
