"""Small alphabets of records: few of them, so that short sequences meet in every way.

For searches that need depth; `rollout.testing.payloads` has the breadth.
"""

from __future__ import annotations

from typing import Final

from rollout.testing.payloads import (
    ACTIONS,
    ANSWERS,
    ASKED,
    COMMUNICATION,
    CONTEXTS,
    FAILURES,
    ITEM_IDS,
    LONG,
    NUMBERED,
    PATCHES,
    REASONS,
    REQUESTS,
    RESUMED,
    REVIEWS,
    SAID,
    TOKEN_COUNTS,
    TURN_IDS,
    USAGE_RECORDS,
    USED,
    WORLDS,
    Body,
    Json,
    every,
    maybe,
    message,
    shown_items,
)

_NEEDED: Final = {
    "cwd": "/src/app",
    "approval_policy": "never",
    "sandbox_policy": {"type": "danger-full-access"},
}
_MODERN: Final = {"message": "s", "replacement_history": [REQUESTS[0]]}
CORE: Final[list[Body]] = [
    *(
        ("event_msg", {"type": kind, "turn_id": turn_id, "reason": REASONS[0]})
        for turn_id in TURN_IDS[:2]
        for kind in ("task_started", "task_started", "task_complete", "turn_aborted")
    ),
    *(("turn_context", {**_NEEDED, "turn_id": "ta", "model": model}) for model in ("model-one", "model-two")),
    ("turn_context", {**_NEEDED, "turn_id": "tb", "model": "model-three"}),
    ("turn_context", {**_NEEDED, "model": "model-four"}),
    *(("response_item", item) for item in (REQUESTS[0], REQUESTS[0], ANSWERS[0], CONTEXTS[0], CONTEXTS[3])),
    ("response_item", message("user", LONG[0])),
    ("event_msg", {"type": "turn_aborted", "reason": "interrupted"}),
    ("event_msg", {"type": "user_message", "message": "hello"}),
    ("event_msg", {"type": "agent_message", "message": "yes"}),
    ("event_msg", {"type": "thread_rolled_back", "num_turns": 1}),
    ("event_msg", {"type": "thread_rolled_back", "num_turns": 2}),
    ("event_msg", TOKEN_COUNTS[0]),
    ("token_usage_record", USAGE_RECORDS[0]),
    ("world_state", WORLDS[1]),
    ("world_state", {"full": False, "state": {"b": 1}}),
    ("compacted", {**_MODERN, **NUMBERED[0]}),
    ("compacted", {**_MODERN, **NUMBERED[1], **RESUMED[1]}),
    ("compacted", {**_MODERN, **USED[1]}),
    ("compacted", {"message": "so far", **NUMBERED[3]}),
    ("inter_agent_communication", COMMUNICATION),
    *(("event_msg", shown) for shown in shown_items(TURN_IDS[:2])[:6:2]),
]
"""A small alphabet: few records, so that short sequences of them meet in every way."""

TURN_CORE: Final[list[Body]] = [
    ("event_msg", event)
    for event in (
        *every(type=("task_started",), turn_id=TURN_IDS, started_at=(1, 2), root_turn_id=maybe("root")),
        *every(type=("task_started",), turn_id=TURN_IDS),
        *every(
            type=("task_complete", "turn_aborted"), reason=REASONS, turn_id=TURN_IDS, completed_at=maybe(3)
        ),
        *shown_items(TURN_IDS)[::11],
    )
]
"""The same for turns of paginated threads."""

LEGACY_CORE: Final[list[Body]] = [
    *(
        ("event_msg", event)
        for event in (
            *every(
                type=("task_started", "task_complete", "turn_aborted"), reason=REASONS, turn_id=TURN_IDS[:3]
            ),
            *every(
                type=("task_complete", "turn_aborted"),
                reason=REASONS,
                turn_id=TURN_IDS[:2],
                error=FAILURES[:1],
            ),
            *every(
                type=("web_search_end",),
                call_id=ITEM_IDS[:1],
                query=("q",),
                action=ACTIONS,
                turn_id=maybe("ta"),
            ),
            *PATCHES[:3],
            *REVIEWS[:4],
            *every(type=("agent_reasoning", "agent_reasoning_raw_content"), text=("r",)),
            *every(type=("thread_rolled_back",), num_turns=(1, 2)),
            {"type": "turn_aborted", "reason": "interrupted"},
            *(ASKED[0], ASKED[0], SAID[0], SAID[0]),
        )
    ),
    ("compacted", {"message": "so far"}),
    ("compacted", {"message": "so far"}),
    ("response_item", REQUESTS[0]),
]
"""The same for turns of legacy files."""

_OF_TURN: Final[list[Json]] = [{"turn_id": "ta"}, {"turn_id": "tb"}, {}]
COMPACTION_TURN: Final[list[list[Body]]] = [
    [("event_msg", {"type": "task_started", "turn_id": turn_id}) for turn_id in ("ta", "ta", "tb")],
    [("response_item", REQUESTS[0])],
    [("turn_context", {**_NEEDED, **named, "model": "before"}) for named in _OF_TURN],
    [("world_state", WORLDS[1])],
    [
        ("compacted", {**_MODERN, **NUMBERED[0]}),
        ("compacted", {**_MODERN, **NUMBERED[0], **RESUMED[1]}),
        ("compacted", {**_MODERN, **NUMBERED[1]}),
        ("compacted", _MODERN),
    ],
    [("world_state", WORLDS[2]), ("world_state", WORLDS[11])],
    [("turn_context", {**_NEEDED, **named, "model": "behind"}) for named in _OF_TURN],
    [("response_item", REQUESTS[1])],
    [
        ("event_msg", {"type": "task_complete", "turn_id": "ta"}),
        ("event_msg", {"type": "turn_aborted", "reason": "interrupted", "turn_id": "ta"}),
        ("event_msg", {"type": "turn_aborted", "reason": "interrupted"}),
    ],
    [("event_msg", {"type": "thread_rolled_back", "num_turns": 1})],
]
"""A compaction's turn in the order of the reference client: from each pool one record, or none."""

REPORTS: Final[list[Body]] = [
    ("event_msg", TOKEN_COUNTS[1]),
    ("token_usage_record", USAGE_RECORDS[1]),
    ("event_msg", TOKEN_COUNTS[0]),
]
