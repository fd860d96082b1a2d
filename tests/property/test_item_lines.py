"""Items from anywhere: refused with a reason, or stored so that a resume gives them back."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollout.errors import InvalidRequest
from rollout.format.vocabulary import HISTORY_ITEMS
from rollout.ids import mint_uuid7
from rollout.store.item_lines import parse_history
from rollout.store.root import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import HOME

NOW_MS = 1_795_248_374_000
CAP = 1 << 20

texts = st.text(st.characters(), max_size=8)
"""Any characters, lone surrogates among them."""
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
parts = st.fixed_dictionaries(
    {"type": st.sampled_from(["input_text", "output_text", "input_image", "summary_text"]) | texts},
    optional={"text": texts | values, "image_url": texts},
)
items = st.fixed_dictionaries(
    {"type": st.sampled_from([*sorted(HISTORY_ITEMS), "message"]) | scalars},
    optional={
        "role": st.sampled_from(["user", "assistant", "developer", "system"]) | scalars,
        "content": st.lists(parts, max_size=2) | values,
        "summary": st.lists(parts, max_size=2) | values,
        "output": texts | st.lists(parts, max_size=2) | values,
        "name": texts | values,
        "arguments": texts | values,
        "call_id": texts | values,
        "phase": st.sampled_from(["commentary", "final_answer"]) | values,
        "id": texts | values,
        "unknown": values,
    },
)
fitting = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "role": st.sampled_from(["user", "assistant", "developer"]),
            "content": st.lists(
                st.fixed_dictionaries({"type": st.sampled_from(["input_text", "output_text"]), "text": texts})
            ),
        },
        optional={"id": texts, "unknown": values},
    ),
    st.fixed_dictionaries(
        {"type": st.just("function_call"), "name": texts, "arguments": texts, "call_id": st.just("c")}
    ),
    st.fixed_dictionaries(
        {"type": st.just("function_call_output"), "call_id": st.just("c"), "output": texts}
    ),
)
lines = st.binary(max_size=40) | (items | values).map(
    lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
)


def parsed(content: bytes) -> list[bytes] | None:
    """Return the items, or None when they were refused as they should be."""
    try:
        return parse_history(content, source="stdin", max_line_bytes=CAP)
    except InvalidRequest as refused:
        problem = refused.message
    assert problem.startswith("reading items from stdin")
    return None


@given(st.lists(lines, max_size=3))
def test_whatever_comes_in_is_taken_or_refused(given_lines: list[bytes]) -> None:
    """Never anything else; what is taken says what came in."""
    content = b"\n".join(given_lines)
    taken = parsed(content)
    if taken is not None and content.lstrip()[:1] != b"[":
        wanted = [json.loads(line) for line in content.split(b"\n") if line.strip()]
        assert [json.loads(item) for item in taken] == wanted


@given(st.lists(fitting | items, min_size=1, max_size=3))
def test_what_is_taken_is_given_back(given_items: list[dict[str, Any]]) -> None:
    """A turn of it can be recorded, and a resume has the very bytes."""
    taken = parsed(b"\n".join(json.dumps(item).encode() for item in given_items))
    if taken is None:
        return
    ids = count()
    store = Store(
        CrashFS(folders=[HOME]), HOME, CAP, lambda: NOW_MS, lambda: mint_uuid7(NOW_MS, next(ids).to_bytes(10))
    )
    thread_id = store.create_thread(cwd="/src", model="m").id
    store.append_turn(thread_id, taken)
    assert store.resume(thread_id).input_json() == b"[" + b",".join(taken) + b"]"
