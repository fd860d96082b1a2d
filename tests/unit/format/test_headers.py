"""`session_meta` payloads: which headers are accepted."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.format.decoding import decode_payload
from rollout.format.payloads import SessionMeta
from rollout.format.record import MAX_COUNT, Reason
from tests.unit.made_lines import OTHER, THREAD, header, record_of, rejected_of

BASE = {"thread_id": OTHER, "end_ordinal_exclusive": 12, "end_byte_offset": 4096}


def meta_of(content: bytes) -> SessionMeta:
    """Return a header line's payload."""
    meta = decode_payload(record_of(content), SessionMeta)
    assert meta is not None
    return meta


@pytest.mark.parametrize("missing", ["id", "timestamp", "cwd", "originator", "cli_version"])
def test_five_members_are_required(missing: str) -> None:
    """Without one of them the record is rejected, and with it the thread."""
    rejected = rejected_of(header(**{missing: ...}))
    assert rejected.reason is Reason.BAD_PAYLOAD
    assert missing in rejected.detail


@pytest.mark.parametrize("member", ["id", "timestamp", "cwd", "originator", "cli_version"])
@pytest.mark.parametrize("value", [None, 5, []])
def test_the_required_members_are_text(member: str, value: Any) -> None:
    """Null is not text either."""
    assert rejected_of(header(**{member: value})).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("thread_id", ["", "abc", "01a1fc4b-921c-7d43-9b41", THREAD + "0"])
def test_the_id_is_a_uuid(thread_id: str) -> None:
    """The reference client refuses a thread of any other id."""
    assert rejected_of(header(thread_id)).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
def test_both_history_modes_are_known(mode: str) -> None:
    """Legacy and paginated."""
    assert meta_of(header(history_mode=mode)).history_mode == mode


def test_legacy_is_the_default_mode() -> None:
    """Files of before 2026 do not say."""
    assert meta_of(header()).history_mode == "legacy"


@pytest.mark.parametrize("mode", ["", "Paginated", "segmented", 5, None])
def test_any_other_mode_makes_the_thread_unreadable(mode: Any) -> None:
    """To guess would be to read a newer history wrongly."""
    assert rejected_of(header(history_mode=mode)).reason is Reason.BAD_PAYLOAD


def test_a_base_is_read() -> None:
    """Where a fork leaves its parent."""
    base = meta_of(header(history_mode="paginated", history_base=BASE)).history_base
    assert base is not None
    assert (base.thread_id, base.end_ordinal_exclusive, base.end_byte_offset) == (OTHER, 12, 4096)


@pytest.mark.parametrize("member", list(BASE))
def test_a_base_needs_all_three_members(member: str) -> None:
    """A link that does not say where it leaves cannot be followed."""
    base = {key: value for key, value in BASE.items() if key != member}
    assert rejected_of(header(history_base=base)).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("member", ["end_ordinal_exclusive", "end_byte_offset"])
@pytest.mark.parametrize("value", [-1, 1.5, "1", None, MAX_COUNT + 1])
def test_the_numbers_of_a_base_are_counts(member: str, value: Any) -> None:
    """Whole, not negative, and no larger than a file can be."""
    assert rejected_of(header(history_base={**BASE, member: value})).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize(
    "member", ["history_base", "git", "context_window", "session_id", "parent_thread_id"]
)
def test_null_reads_as_absent(member: str) -> None:
    """Optional members may be null."""
    assert getattr(meta_of(header(**{member: None})), member) is None


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("git", "main"),
        ("git", {"commit_hash": 5}),
        ("context_window", 5),
        ("context_window", {"window_id": 5}),
        ("agent_nickname", 5),
        ("model_provider", 5),
        ("session_id", 5),
        ("subagent_history_start_ordinal", -1),
        ("subagent_history_start_ordinal", "x"),
    ],
)
def test_a_known_member_of_the_wrong_type_rejects(member: str, value: Any) -> None:
    """As on the reference client."""
    assert rejected_of(header(**{member: value})).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("source", ["cli", "vscode", "brand_new", {"subagent": {"thread_spawn": {}}}])
def test_a_source_is_a_word_or_an_object(source: Any) -> None:
    """It is carried as stored."""
    assert meta_of(header(source=source)).source


def test_unknown_members_are_ignored() -> None:
    """A newer client may say more of itself."""
    assert meta_of(header(account_scoped=True, brand_new={"a": [1]})).id == THREAD


def test_the_old_instructions_member_is_ignored() -> None:
    """Older files held the instructions as text."""
    assert meta_of(header(instructions="Be brief.")).id == THREAD
