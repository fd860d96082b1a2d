"""Errors: one root, stable codes, a hint that says what to do."""

from __future__ import annotations

import pytest

from rollout import errors
from rollout.errors import BrokenLineage, DamagedLog, InvalidCursor, RolloutError

CODES = {
    "RolloutError": "rollout",
    "InvalidRequest": "request.invalid",
    "InvalidCursor": "request.invalid",
    "NotFound": "not_found",
    "Conflict": "conflict",
    "LeaseHeld": "conflict",
    "DamagedLog": "log.damaged",
    "BrokenLineage": "log.damaged",
    "UnsupportedFormat": "format.unsupported",
    "StorageFailed": "storage.failed",
}


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_codes_are_stable(name: str, code: str) -> None:
    """Surfaces map codes to statuses, and so may anybody."""
    assert getattr(errors, name).code == code


def test_there_is_one_root() -> None:
    """Every error raised on purpose can be caught by one name."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(issubclass(kind, RolloutError) for kind in kinds)


def test_a_narrower_error_belongs_to_its_family() -> None:
    """Families are split by what a caller can do next."""
    assert issubclass(BrokenLineage, DamagedLog)
    assert issubclass(InvalidCursor, errors.InvalidRequest)


def test_the_message_is_the_text_of_the_error() -> None:
    """The hint stands apart."""
    error = RolloutError("what happened", hint="Do this.")
    assert (str(error), error.message, error.hint) == ("what happened", "what happened", "Do this.")


def test_a_broken_link_names_both_ends() -> None:
    """Whoever mends a lineage needs the ids."""
    error = BrokenLineage("x", rollout_id="child", base_id="parent")
    assert (error.rollout_id, error.base_id, error.hint) == ("child", "parent", None)
