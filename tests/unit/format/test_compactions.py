"""`compacted` payloads: which are records, and what they say of the window."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.format.decoding import decode_payload
from rollout.format.payloads import Compacted
from rollout.format.record import MAX_COUNT, Reason
from tests.unit.made_lines import line, record_of, rejected_of

ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
GHOST = {"type": "ghost_snapshot", "ghost_commit": {"id": "x"}}


def compacted(**members: Any) -> bytes:
    """Return a compaction line."""
    return line("compacted", {"message": "so far", **members})


def payload(**members: Any) -> Compacted:
    """Return a compaction's payload."""
    found = decode_payload(record_of(compacted(**members)), Compacted)
    assert found is not None
    return found


def test_a_plain_compaction_is_a_record() -> None:
    """Old files hold a summary alone."""
    assert payload().replacement_history is None


def test_the_summary_may_be_empty() -> None:
    """It still compacts."""
    assert payload(message="").message == ""


def test_the_replacement_history_is_kept_verbatim() -> None:
    """Items are carried as stored, whatever they hold."""
    (kept,) = payload(replacement_history=[{**ITEM, "brand_new": 1}]).replacement_history or []
    assert b'"brand_new":1' in bytes(kept)


@pytest.mark.parametrize("history", [[], None, [ITEM], [ITEM, GHOST], [{"type": "brand_new"}]])
def test_histories_of_well_formed_items_are_accepted(history: Any) -> None:
    """Unknown items and ghost snapshots of 2025 do not reject."""
    assert record_of(compacted(replacement_history=history))


@pytest.mark.parametrize("history", [5, {}, [5], [{}], [{**ITEM, "content": "plain"}], [{**ITEM, "role": 5}]])
def test_a_history_with_a_malformed_item_rejects(history: Any) -> None:
    """A checkpoint is taken whole or not at all."""
    assert rejected_of(compacted(replacement_history=history)).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize(("items", "entries"), [(1, 0), (1, 2), (0, 1), (None, 0), (None, 1)])
def test_metadata_of_another_length_rejects(items: int | None, entries: int) -> None:
    """The two lists are aligned; without the first, the second makes no sense."""
    history = None if items is None else [ITEM] * items
    stored = compacted(replacement_history=history, replacement_history_metadata=[{}] * entries)
    assert rejected_of(stored).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("count", [0, 1, 3])
def test_metadata_of_the_same_length_is_accepted(count: int) -> None:
    """Aligned lists."""
    assert record_of(
        compacted(replacement_history=[ITEM] * count, replacement_history_metadata=[None] * count)
    )


@pytest.mark.parametrize(
    ("members", "number"),
    [
        ({"window_number": 4}, 4),
        ({"window_id": 4}, 4),
        ({"window_number": 5, "window_id": 4}, 5),
        ({"window_id": "w"}, None),
        ({}, None),
        ({"window_number": None}, None),
    ],
)
def test_the_window_number_has_an_old_form(members: dict[str, Any], number: int | None) -> None:
    """A window id that is a number is the number of the window."""
    assert payload(**members).number == number


@pytest.mark.parametrize("value", [-1, 1.5, "1", MAX_COUNT + 1])
def test_a_window_number_that_is_no_count_rejects(value: Any) -> None:
    """Windows are counted."""
    assert rejected_of(compacted(window_number=value)).reason is Reason.BAD_PAYLOAD


def test_resume_metadata_may_say_that_there_were_no_settings() -> None:
    """An explicit null is an answer."""
    found = payload(resume_metadata={"previous_turn_settings": None, "dynamic_tools": {}})
    assert found.resume_metadata is not None
    assert found.resume_metadata.previous_turn_settings is None


def test_unknown_members_are_ignored() -> None:
    """A newer client may keep more in a compaction."""
    assert payload(guardian_history=[1], brand_new={}).message == "so far"
