"""Bytes that a log may hold: whole lines of every era, damaged ones, and anything at all."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.unit.made_lines import THREAD, TIME, compact, event, header, item, line, message

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    ["timestamp", "type", "payload", "ordinal", "metadata", "role", "content", "turn_id", "item", "output"]
)
TYPES = st.sampled_from(
    ["session_meta", "response_item", "event_msg", "turn_context", "compacted", "world_state", "brand_new"]
)
KINDS = st.sampled_from(["message", "reasoning", "warning", "task_started", "item_completed", "brand_new"])

PAYLOADS = st.dictionaries(WORDS | st.text(max_size=4), JSON, max_size=5) | st.fixed_dictionaries(
    {"type": KINDS}, optional={"role": JSON, "turn_id": JSON, "content": JSON, "item": JSON}
)


@st.composite
def envelopes(draw: st.DrawFn) -> bytes:
    """Draw a line that has the members of an envelope, mostly of the right types."""
    members: dict[str, Any] = {"timestamp": TIME, "type": draw(TYPES), "payload": draw(PAYLOADS)}
    members |= draw(st.dictionaries(WORDS, JSON, max_size=1))
    if draw(st.booleans()):
        members["ordinal"] = draw(st.integers(-1, 1 << 70))
    keys = draw(st.permutations(list(members)))
    return json.dumps({key: members[key] for key in keys}, ensure_ascii=draw(st.booleans())).encode(
        "utf-8", "surrogatepass"
    )


GOOD_LINES = st.sampled_from(
    [
        header()[:-1],
        message("user", "hi ✓")[:-1],
        message("assistant", "done")[:-1],
        item("function_call_output", call_id="c", output="text")[:-1],
        event("task_started", turn_id="t")[:-1],
        event("item_completed", turn_id="t", item={"type": "Plan", "id": "p"})[:-1],
        line("turn_context", {"cwd": "/", "model": "m"})[:-1],
        line("compacted", {"message": "", "replacement_history": []})[:-1],
        line("event_msg", {"type": "warning"}, ordinal=3)[:-1],
        line("brand_new", {})[:-1],
        compact({"id": THREAD, "timestamp": TIME}),
        compact({"type": "reasoning"}),
        compact({"timestamp": TIME, "record_type": "event", "msg": {"type": "warning"}}),
        compact({"timestamp": TIME, "record_type": "response", "type": "reasoning"}),
    ]
)


@st.composite
def escaped(draw: st.DrawFn) -> bytes:
    """Draw a good line with some of its letters spelled as escapes, inside and outside of words."""
    stored = draw(GOOD_LINES)
    letters = [place for place, byte in enumerate(stored) if chr(byte).isalpha() and byte < 128]
    for place in sorted(draw(st.sets(st.sampled_from(letters), max_size=4)), reverse=True):
        stored = stored[:place] + b"\\u%04x" % stored[place] + stored[place + 1 :]
    return stored


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a good line with one stretch of it replaced."""
    stored = draw(GOOD_LINES | envelopes())
    start = draw(st.integers(0, len(stored)))
    end = draw(st.integers(start, min(len(stored), start + 8)))
    patch = draw(
        st.binary(max_size=4) | st.sampled_from([b"\n", b'"', b"\\", b"{", b"}", b"\x00", b"[" * 1200])
    )
    return stored[:start] + patch + stored[end:]


LINES = GOOD_LINES | escaped() | envelopes() | mutated() | st.binary(max_size=20) | st.just(b"")
ENDS = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b""])
CONTENTS = st.lists(st.tuples(LINES, ENDS), max_size=8).map(
    lambda pairs: b"".join(stored + end for stored, end in pairs)
) | st.text(alphabet="ab\n", max_size=40).map(str.encode)
