"""`turn_context` payloads: which are records, and what they say of the turn."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.format.decoding import decode_payload
from rollout.format.payloads import TurnContext
from rollout.format.record import Reason
from tests.unit.made_lines import line, record_of, rejected_of

MEMBERS: dict[str, Any] = {
    "cwd": "/src/app",
    "approval_policy": "never",
    "sandbox_policy": {"type": "read-only"},
    "model": "m",
}


def context(**members: Any) -> bytes:
    """Return a turn context line; a member set to `...` is left out."""
    payload = {**MEMBERS, **members}
    return line("turn_context", {key: value for key, value in payload.items() if value is not ...})


@pytest.mark.parametrize("missing", list(MEMBERS))
def test_four_members_are_required(missing: str) -> None:
    """Folder, approval, sandbox and model."""
    assert rejected_of(context(**{missing: ...})).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("kind", ["danger-full-access", "read-only", "external-sandbox", "workspace-write"])
def test_known_sandboxes_are_accepted(kind: str) -> None:
    """An object tagged with its type; its other members are carried."""
    assert record_of(context(sandbox_policy={"type": kind, "network_access": True}))


@pytest.mark.parametrize("policy", ["untrusted", "on-failure", "on-request", "never", {"granular": {}}])
def test_known_approvals_are_accepted(policy: Any) -> None:
    """A word, or an object of granular rules."""
    assert record_of(context(approval_policy=policy))


@pytest.mark.parametrize("summary", ["auto", "concise", "detailed", "none", None])
def test_known_summaries_are_accepted(summary: Any) -> None:
    """Four words, or nothing."""
    assert record_of(context(summary=summary))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("approval_policy", "brand-new"),
        ("approval_policy", None),
        ("sandbox_policy", {"type": "brand-new"}),
        ("sandbox_policy", {}),
        ("sandbox_policy", "read-only"),
        ("summary", "brand-new"),
        ("model", None),
        ("turn_id", 5),
        ("comp_hash", 5),
        ("realtime_active", "yes"),
    ],
)
def test_an_unknown_value_rejects(member: str, value: Any) -> None:
    """A context that cannot be compared with the next turn's counts for nothing."""
    assert rejected_of(context(**{member: value})).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("effort", ["brand-new", "high", None])
def test_an_unknown_effort_does_not_reject(effort: Any) -> None:
    """The one setting that may be anything."""
    assert record_of(context(effort=effort))


def test_a_sandbox_of_2025_is_obsolete() -> None:
    """Tagged with `mode`, it no longer parses, and is no damage."""
    assert rejected_of(context(sandbox_policy={"mode": "read-only"})).reason is Reason.OBSOLETE


def test_the_settings_of_the_turn_are_read() -> None:
    """Model, hash and realtime are what a model switch is detected by."""
    stored = context(turn_id="t1", comp_hash="c", realtime_active=False, timezone="Etc/UTC")
    found = decode_payload(record_of(stored), TurnContext)
    assert found is not None
    assert (found.turn_id, found.model, found.comp_hash, found.realtime_active) == ("t1", "m", "c", False)
