"""Ids: parsed once, at the border, into one spelling."""

from __future__ import annotations

import pytest

from rollout.errors import InvalidRequest
from rollout.ids import find_uuid, is_uuid7, parse_thread_id

CANONICAL = "01a1fc4b-921c-7d43-9b41-9cfd2815c7cb"


@pytest.mark.parametrize(
    "text",
    [
        CANONICAL,
        CANONICAL.upper(),
        CANONICAL.replace("-", ""),
        "{" + CANONICAL + "}",
        "urn:uuid:" + CANONICAL,
        "URN:UUID:" + CANONICAL.upper(),
        "{" + CANONICAL.replace("-", "") + "}",
    ],
)
def test_every_usual_spelling_of_a_uuid_is_read(text: str) -> None:
    """All of them name the same thing."""
    assert find_uuid(text) == CANONICAL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        CANONICAL[:-1],
        CANONICAL + "0",
        CANONICAL.replace("a", "g"),
        CANONICAL.replace("-", "_"),
        "{" + CANONICAL,
        CANONICAL + "}",
        "----" + CANONICAL.replace("-", ""),
        "0-1a1fc4b921c7d439b419cfd2815c7cb",
        f" {CANONICAL}",
        f"{CANONICAL}\n",
        "\u0660" + CANONICAL[1:],
        "\x00" * 36,
    ],
)
def test_anything_else_is_no_uuid(text: str) -> None:
    """Not a hyphen out of place, not a digit of another script, not a newline."""
    assert find_uuid(text) is None


def test_any_version_is_an_id() -> None:
    """Version 7 is written, version 4 is accepted."""
    text = "6b1f2a34-0c5d-4e6f-8a9b-0c1d2e3f4a5b"
    assert parse_thread_id(text) == text


@pytest.mark.parametrize("text", ["", "latest", "x" * 10_000])
def test_a_malformed_thread_id_is_refused(text: str) -> None:
    """The message quotes it, but not without end."""
    with pytest.raises(InvalidRequest, match="expected a UUID") as refused:
        parse_thread_id(text)
    assert refused.value.hint is not None
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CANONICAL, True),
        (CANONICAL.upper(), True),
        ("6b1f2a34-0c5d-4e6f-8a9b-0c1d2e3f4a5b", False),
        ("", False),
        ("x" * 14 + "7", False),
        (CANONICAL.replace("-", ""), False),
    ],
)
def test_version_7_is_told_from_others(text: str, expected: bool) -> None:
    """By the digit that says so, in the hyphenated spelling."""
    assert is_uuid7(text) is expected
