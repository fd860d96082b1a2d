"""Damaged and odd rollouts, resumed by the client and by us.

Most of it comes out alike. Where we differ it is on purpose, and a test of its own says how:
the client gives up a file or a part of it, we keep everything that can be read and report the rest.
"""

from __future__ import annotations

import json
from functools import partial

import pytest
from handmade.draft import Draft, JsonObject, text_message, uuid
from refclient.install import Client
from refclient.rpc import RefusalError

from rollout.turns.paging import ItemsView, SortDirection
from tests.interop.conftest import Ask
from tests.interop.ours import as_shown_by, our_context, our_history, our_turns
from tests.interop.written import Case, Lines, put_to_client

pytestmark = pytest.mark.interop

MODES = ["legacy", "paginated"]
BOTH_TURNS = ["Question 1.", "Answer 1.", "Question 2.", "Answer 2."]


def first_turn(draft: Draft) -> None:
    """Write one turn."""
    draft.turn("turn-1", "Question 1.", "Answer 1.")


def second_turn(draft: Draft) -> None:
    """Write another turn."""
    draft.turn("turn-2", "Question 2.", "Answer 2.")


def between(content: bytes, draft: Draft) -> None:
    """Write bytes between two turns."""
    first_turn(draft)
    draft.raw(content)
    second_turn(draft)


def behind(content: bytes, draft: Draft) -> None:
    """Write bytes behind two turns."""
    first_turn(draft)
    second_turn(draft)
    draft.raw(content)


def with_record(type_: str, payload: JsonObject, draft: Draft) -> None:
    """Write a record between two turns."""
    first_turn(draft)
    draft.record(type_, payload)
    second_turn(draft)


def changed(old: bytes, new: bytes, draft: Draft) -> None:
    """Write two turns, then replace bytes everywhere."""
    behind(b"", draft)
    draft.content = draft.content.replace(old, new)


def cut_by(size: int, draft: Draft) -> None:
    """Write two turns, without the last bytes."""
    behind(b"", draft)
    draft.content = draft.content[:-size]


def begun_by(content: bytes, draft: Draft) -> None:
    """Write bytes before the header."""
    behind(b"", draft)
    draft.content = content + draft.content


def header_last(draft: Draft) -> None:
    """Move the header to the end."""
    behind(b"", draft)
    header, rest = draft.content.split(b"\n", 1)
    draft.content = rest + header + b"\n"


def copied_header(draft: Draft) -> None:
    """Copy another thread's header into the middle."""
    first_turn(draft)
    draft.record("session_meta", draft.header_payload(id=uuid(0xC0)))
    second_turn(draft)


def a_message(text: str, *, members: str = "", more: str = "") -> bytes:
    """Return a line with a user message, as JSON text; `members` go into the item, `more` beside it."""
    parts = f'[{{"type":"input_text","text":"{text}"}}]'
    payload = f'{{"type":"message","role":"user","content":{parts}{members}}}'
    return f'{{"timestamp":"t","type":"response_item"{more},"payload":{payload}}}\n'.encode()


def nested(depth: int) -> str:
    """Return a member with lists in lists."""
    return f',"extra":{"[" * depth}{"]" * depth}'


GHOST: JsonObject = {"type": "ghost_snapshot", "ghost_commit": {"id": "0", "parent": None}}

ALIKE: dict[str, Lines] = {
    "CRLF line ends": partial(changed, b"\n", b"\r\n"),
    "blank lines": partial(between, b"\n\n  \n\t\r\n"),
    "blank lines behind": partial(behind, b"\n\n"),
    "blank lines before": partial(begun_by, b"\n  \n"),
    "a torn line behind": partial(behind, a_message("Torn.")[:-40]),
    "the last record torn": partial(cut_by, 30),
    "zeros behind": partial(behind, b"\0" * 200),
    "no JSON": partial(between, b"This is not JSON.\n"),
    "zeros": partial(between, b"\0" * 200 + b"\n"),
    "half a surrogate": partial(between, a_message("A \\ud800 half.")),
    "half a surrogate in an unknown member": partial(
        between, a_message("Text.", members=',"extra":"\\ud800"')
    ),
    "half a surrogate beside the payload": partial(between, a_message("Text.", more=',"extra":"\\ud800"')),
    "a control character": partial(between, a_message("A \x01 character.")),
    "text behind the object": partial(between, a_message("Text.")[:-1] + b" more\n"),
    "two objects in a line": partial(between, a_message("One.")[:-1] + a_message("Two.")),
    "a member twice": partial(between, a_message("Twice.", more=',"type":"event_msg"')),
    "an item's member twice": partial(between, a_message("Twice.", members=',"role":"user"')),
    "an unknown record type": partial(with_record, "brand_new", {"x": 1}),
    "an unknown event": partial(with_record, "event_msg", {"type": "brand_new"}),
    "an unknown item": partial(with_record, "response_item", {"type": "brand_new"}),
    "content that is text": partial(
        with_record, "response_item", {"type": "message", "role": "user", "content": "Text."}
    ),
    "a ghost snapshot": partial(with_record, "response_item", GHOST),
    "a system message": partial(with_record, "response_item", text_message("system", "Text.")),
    "no payload": partial(between, b'{"timestamp":"t","type":"response_item"}\n'),
    "a timestamp that is a number": partial(between, a_message("Text.").replace(b'"t"', b"1")),
    "an ordinal that is text": partial(between, a_message("Text.", more=',"ordinal":"9"')),
    "a negative ordinal": partial(between, a_message("Text.", more=',"ordinal":-1')),
    "metadata that is text": partial(between, a_message("Text.", more=',"metadata":"x"')),
    "metadata that is null": partial(between, a_message("Text.", more=',"metadata":null')),
}

DIFFERENT: dict[str, Lines] = {
    "bad UTF-8": partial(between, a_message("bad").replace(b"bad", b"b\xffd")),
    "bad UTF-8 behind": partial(behind, b'{"timestamp":"\xe2\x82'),
    "a copied header": copied_header,
    "no newline": partial(cut_by, 1),
    "the header last": header_last,
    "nested 120 deep": partial(between, a_message("Deep.", members=nested(120))),
    "nested 200 deep": partial(between, a_message("Deep.", members=nested(200))),
    "an unknown member": partial(between, a_message("Text.", members=',"extra":1')),
    "an integer of 30 digits": partial(between, a_message("Text.", members=f',"extra":{"9" * 30}')),
    "a byte order mark": partial(begun_by, b"\xef\xbb\xbf"),
}

Cases = dict[tuple[str, str], Case]


@pytest.fixture(scope="module")
def cases(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """Every case in both modes, read by the client."""
    return {
        (mode, name): case
        for mode in MODES
        for name, case in put_to_client(
            ask, tmp_path_factory.mktemp(f"damage-{mode}"), {**ALIKE, **DIFFERENT}, mode
        ).items()
    }


def texts(items: list[JsonObject]) -> list[str]:
    """Return the texts of messages."""
    return [part["text"] for item in items for part in item["content"]]


def damage_of(case: Case) -> list[tuple[str, bytes]]:
    """Return what we report of a case: the reason, and the bytes that the span names."""
    content = next(case.home.rglob(f"*{case.thread_id}.jsonl")).read_bytes()
    found = our_context(case.home, case.thread_id).damage
    return [(each.reason.value, content[each.start_offset : each.end_offset]) for each in found]


def turns_of(case: Case) -> list[JsonObject]:
    """Return the turns that the client lists after opening a thread for writing."""
    assert not isinstance(case.answers.turn_pages, RefusalError)
    pages = case.answers.turn_pages[ItemsView.FULL, SortDirection.ASC]
    return [turn for page in pages for turn in page.entries]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ALIKE)
def test_history_is_the_clients(cases: Cases, name: str, mode: str) -> None:
    """The same lines count on both sides."""
    case = cases[mode, name]
    assert our_history(case.home, case.thread_id) == case.answers.history


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ALIKE)
def test_turns_are_the_clients(cases: Cases, client: Client, name: str, mode: str) -> None:
    """The same turns are shown on both sides."""
    case = cases[mode, name]
    assert as_shown_by(client, our_turns(case.home, case.thread_id)) == turns_of(case)


@pytest.mark.parametrize("name", ["bad UTF-8", "bad UTF-8 behind"])
def test_legacy_file_with_bad_utf8_is_refused_by_the_client_and_kept_by_us(cases: Cases, name: str) -> None:
    """On purpose: a byte that is not text costs the client the whole file, and us one line."""
    case = cases["legacy", name]
    assert isinstance(case.answers.sent, RefusalError)
    assert case.answers.sent.message.endswith("stream did not contain valid UTF-8")
    assert texts(our_history(case.home, case.thread_id)) == BOTH_TURNS


@pytest.mark.parametrize("name", ["bad UTF-8", "bad UTF-8 behind"])
def test_paginated_file_with_bad_utf8_loses_one_line_on_both_sides(cases: Cases, name: str) -> None:
    """Here the client skips the line as we do."""
    case = cases["paginated", name]
    assert our_history(case.home, case.thread_id) == case.answers.history
    assert texts(case.answers.history) == BOTH_TURNS


@pytest.mark.parametrize("mode", MODES)
def test_bad_utf8_is_reported_with_its_line(cases: Cases, mode: str) -> None:
    """The span is the line, newline included."""
    line = a_message("bad").replace(b"bad", b"b\xffd")
    assert damage_of(cases[mode, "bad UTF-8"]) == [("badUtf8", line)]


def test_copied_header_in_a_paginated_file_hides_the_past_from_the_client_alone(cases: Cases) -> None:
    """On purpose: the client's backward reading stops at any header, ours at the first one."""
    case = cases["paginated", "a copied header"]
    assert texts(case.answers.history) == BOTH_TURNS[2:]
    assert texts(our_history(case.home, case.thread_id)) == BOTH_TURNS
    [(reason, line)] = damage_of(case)
    assert reason == "copiedHeader"
    assert json.loads(line)["payload"]["id"] == uuid(0xC0)


def test_copied_header_in_a_legacy_file_is_ordinary(cases: Cases) -> None:
    """Legacy forks copy the header of their source; nobody minds."""
    case = cases["legacy", "a copied header"]
    assert our_history(case.home, case.thread_id) == case.answers.history
    assert damage_of(case) == []


@pytest.mark.parametrize("mode", MODES)
def test_record_without_newline_counts_in_both_histories(cases: Cases, mode: str) -> None:
    """A complete record is one, whether its newline was written or not."""
    case = cases[mode, "no newline"]
    assert our_history(case.home, case.thread_id) == case.answers.history


def test_record_without_newline_is_no_part_of_our_paginated_turns_yet(cases: Cases) -> None:
    """The client ends the line when it opens the thread for writing; a reader must not."""
    case = cases["paginated", "no newline"]
    assert [turn["status"] for turn in turns_of(case)] == ["completed", "completed"]
    ours = our_turns(case.home, case.thread_id)
    assert [turn["status"] for turn in ours] == ["completed", "interrupted"]


@pytest.mark.parametrize("mode", MODES)
def test_thread_that_does_not_begin_with_its_header_cannot_be_continued(cases: Cases, mode: str) -> None:
    """The client refuses to open it; we read it and say why it cannot be continued."""
    case = cases[mode, "the header last"]
    assert isinstance(case.answers.sent, RefusalError)
    assert case.answers.sent.message.endswith("does not start with session metadata")
    ours = our_context(case.home, case.thread_id).not_resumable
    assert ours == "the file does not start with its session metadata"


@pytest.mark.parametrize("mode", MODES)
def test_deep_nesting_costs_the_client_the_line_and_not_us(cases: Cases, mode: str) -> None:
    """On purpose: the client decodes to a depth of 127, we decode deeper and carry the rest along."""
    shallow, deep = cases[mode, "nested 120 deep"], cases[mode, "nested 200 deep"]
    with_line = [*BOTH_TURNS[:2], "Deep.", *BOTH_TURNS[2:]]
    assert texts(shallow.answers.history) == texts(our_history(shallow.home, shallow.thread_id)) == with_line
    assert texts(deep.answers.history) == BOTH_TURNS
    assert texts(our_history(deep.home, deep.thread_id)) == with_line


@pytest.mark.parametrize("mode", MODES)
def test_huge_integers_cost_the_client_the_line_and_not_us(cases: Cases, mode: str) -> None:
    """On purpose: a number that we do not use need not fit into 64 bits."""
    case = cases[mode, "an integer of 30 digits"]
    assert texts(case.answers.history) == BOTH_TURNS
    assert "Text." in texts(our_history(case.home, case.thread_id))


@pytest.mark.parametrize("mode", MODES)
def test_unknown_members_of_items_are_dropped_by_the_client_and_carried_by_us(
    cases: Cases, mode: str
) -> None:
    """On purpose: what a newer release wrote into an item stays there."""
    case = cases[mode, "an unknown member"]
    ours = our_history(case.home, case.thread_id)
    assert [item.get("extra") for item in ours] == [None, None, 1, None, None]
    assert case.answers.history == [
        {key: value for key, value in item.items() if key != "extra"} for item in ours
    ]


@pytest.mark.parametrize("mode", MODES)
def test_byte_order_mark_makes_the_header_unreadable_on_both_sides(cases: Cases, mode: str) -> None:
    """JSON text has no mark before it."""
    case = cases[mode, "a byte order mark"]
    assert isinstance(case.answers.sent, RefusalError)
    with pytest.raises(Exception, match="the first line is notJson"):
        our_context(case.home, case.thread_id)
