"""Turn errors become exactly what the reference server (0.169.0) sends for them."""

from __future__ import annotations

import msgspec
import pytest

from rollout.turns.failure import public_failure

VECTORS: dict[str, str | None] = {
    "null": "null",
    '"context_window_exceeded"': '"contextWindowExceeded"',
    '"usage_limit_exceeded"': '"usageLimitExceeded"',
    '"unauthorized"': '"unauthorized"',
    '"thread_rollback_failed"': '"threadRollbackFailed"',
    '"inference_hook_denied"': '"inferenceHookDenied"',
    '"other"': '"other"',
    '"not_known_yet"': '"other"',
    '"usageLimitExceeded"': '"other"',
    '{"http_connection_failed":{"http_status_code":502}}': '{"httpConnectionFailed":{"httpStatusCode":502}}',
    '{"response_stream_connection_failed":{"http_status_code":null}}': (
        '{"responseStreamConnectionFailed":{"httpStatusCode":null}}'
    ),
    '{"response_stream_disconnected":{}}': '{"responseStreamDisconnected":{"httpStatusCode":null}}',
    '{"response_too_many_failed_attempts":{"http_status_code":5,"x":1}}': (
        '{"responseTooManyFailedAttempts":{"httpStatusCode":5}}'
    ),
    '{"active_turn_not_steerable":{"turn_kind":"review"}}': (
        '{"activeTurnNotSteerable":{"turnKind":"review"}}'
    ),
    '{"not_known_yet":{"a_b":1}}': '"other"',
    '{"other":null}': '"other"',
    '"http_connection_failed"': None,
    '{"http_connection_failed":"x"}': None,
    '{"http_connection_failed":{"http_status_code":70000}}': None,
    '{"http_connection_failed":{},"other":null}': None,
    '{"active_turn_not_steerable":{"turn_kind":"x"}}': None,
    "{}": None,
    "[]": None,
    "5": None,
}


@pytest.mark.parametrize(("stored", "wire"), VECTORS.items())
def test_cause_is_what_the_reference_server_sends(stored: str, wire: str | None) -> None:
    """Words turn from snake to camel case, unknown ones into `other`, broken ones into nothing."""
    failure = public_failure(f'{{"message":"m","codex_error_info":{stored}}}'.encode())
    expected = (
        f'{{"message":"m","codexErrorInfo":{wire},"additionalDetails":null,"misalignment":null}}'
        if wire is not None
        else "null"
    )
    assert msgspec.json.encode(failure).decode() == expected


def test_members_that_are_never_shown_are_dropped() -> None:
    """Details in the record stay in the record."""
    failure = public_failure(b'{"message":"m","additional_details":"d","misalignment":{"x":1}}')
    assert failure is not None
    assert (failure.additional_details, failure.misalignment) == (None, None)


@pytest.mark.parametrize("stored", [b"null", b'"text"', b'{"codex_error_info":"other"}', b"{"])
def test_error_without_a_message_has_no_public_form(stored: bytes) -> None:
    """Null, another shape and damage give nothing, and never raise."""
    assert public_failure(stored) is None
