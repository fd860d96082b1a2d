"""Items handed over as text: JSON Lines or an array, kept as they are spelled."""

from __future__ import annotations

import pytest

from rollout.errors import InvalidRequest
from rollout.store.item_lines import parse_history, parse_items

USER = b'{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}'


def parsed(content: bytes, cap: int = 1000) -> list[bytes]:
    """Return the items of JSON Lines."""
    return parse_items(content, source="stdin", max_line_bytes=cap)


@pytest.mark.parametrize("content", [USER, USER + b"\n", b"\n \n" + USER + b"\r\n\n", b"  " + USER])
def test_blank_lines_and_line_ends_do_not_count(content: bytes) -> None:
    """One item, whatever stands around it."""
    assert parsed(content) == [USER]


def test_spelling_is_kept_and_spaces_are_not() -> None:
    """Numbers, escapes and unknown members stay; the space between them goes."""
    spelled = b'{ "type" : "reasoning", "summary" : [ ], "n" : 1.50e0, "t" : "\\u00e9 x" }'
    assert parsed(spelled) == [b'{"type":"reasoning","summary":[],"n":1.50e0,"t":"\\u00e9 x"}']


def test_lines_are_counted_from_one_blank_ones_included() -> None:
    """The number is that of an editor."""
    with pytest.raises(InvalidRequest, match=r"^reading items from stdin, line 3: not JSON"):
        parsed(USER + b"\n\n{")


def test_the_cap_is_that_of_lines() -> None:
    """An item as long as a line may be is the longest."""
    assert parsed(USER, len(USER)) == [USER]
    with pytest.raises(InvalidRequest, match="and a line may hold 77"):
        parsed(USER, len(USER) - 1)


@pytest.mark.parametrize("content", [b"[%b]", b" [ %b ]\n", b"\n[\n%b\n]"])
def test_a_history_may_be_an_array(content: bytes) -> None:
    """Its items are kept as they are spelled, too."""
    assert parse_history(content % USER, source="f", max_line_bytes=1000) == [USER]


def test_an_array_may_be_empty() -> None:
    """Said outright, no history is one."""
    assert parse_history(b"[]", source="f", max_line_bytes=1000) == []


@pytest.mark.parametrize("content", [b"", b"\n", b" "])
def test_nothing_at_all_is_no_history(content: bytes) -> None:
    """An empty file is more likely a mistake."""
    with pytest.raises(InvalidRequest, match="expected one or more, found none"):
        parse_history(content, source="f", max_line_bytes=1000)


def test_a_bad_item_of_an_array_is_named() -> None:
    """By its number, from one."""
    with pytest.raises(InvalidRequest, match=r"^reading items from f, item 2: "):
        parse_history(b"[%b,5]" % USER, source="f", max_line_bytes=1000)


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (b'"text"', "expected a JSON object"),
        (b'{"a":NaN}', "NaN is no JSON"),
        (b'{"type":"message","type":"x"}', "the member 'type' stands there twice"),
        (b'{"type":"reasoning","summary":[],"a":{"b":1,"b":2}}', "the member 'b' stands there twice"),
        (b'{"a":"\\udc00"}', "a lone surrogate"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b'{"timestamp":"t","type":"response_item","payload":{}}', "this is a whole record"),
        (b'{"type":"message","role":"system","content":[]}', "found 'system'"),
        (b'{"type":"message","role":"user","content":[5]}', "found a number"),
        (
            b'{"type":"message","role":"user","content":[],"phase":1}',
            "a `phase` among commentary, final_answer, found a number",
        ),
        (b'{"type":"function_call","name":"f","arguments":{},"call_id":"c"}', "`arguments` to be text"),
        (b'{"type":"reasoning","summary":[],"content":{}}', "`content` to be a list"),
    ],
)
def test_the_reason_is_told(item: bytes, why: str) -> None:
    """In words that lead to the place."""
    with pytest.raises(InvalidRequest) as caught:
        parsed(item)
    assert why in caught.value.message
    assert caught.value.hint == "Mend it and try again; nothing was written."


@pytest.mark.parametrize(
    "item",
    [
        b'{"type":"web_search_call","action":{"type":"search","query":"x"}}',
        b'{"type":"function_call","name":"f","arguments":"{}","call_id":"c"}',
        b'{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"x"}]}',
        b'{"type":"custom_tool_call_output","call_id":"c","output":""}',
        b'{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"x"}],"content":null}',
        b'{"type":"message","role":"user","content":[{"type":"input_image","image_url":"data:,"}]}',
    ],
)
def test_what_models_give_is_taken(item: bytes) -> None:
    """Each kind as the API spells it."""
    assert parsed(item) == [item]
