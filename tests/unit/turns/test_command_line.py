"""Argument vectors as one line, quoted as the reference server (0.169.0) quotes them."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.turns.command_line import WITH_NUL, command_line

OBSERVED = {
    "plain-+./:@]_09AZ": "plain-+./:@]_09AZ",
    "": "''",
    "a b": "'a b'",
    "it's": '"it\'s"',
    "é": "'é'",
    "~": "'~'",
    "a=b": "'a=b'",
    "\\": '"\\\\"',
    '"': "'\"'",
    "a\nb": "'a\nb'",
    "ls 'a b' && echo $HOME": "\"ls 'a b' && echo \"'$HOME'",
    "^": "'^'",
    "a^b": "a'^b'",
    "^^": "'^''^'",
    "b! ^": "'b! ''^'",
    "'b^b\" ": "\"'b\"'^b\" '",
    "\\^'": '"\\\\"\'^\'"\'"',
    "a'`b^a\"": "\"a'\"'`b''^a\"'",
}


@pytest.mark.parametrize(("argument", "line"), OBSERVED.items())
def test_quoting_is_the_reference_servers(argument: str, line: str) -> None:
    """Each chunk takes the plainest quoting that holds it."""
    assert command_line([argument]) == line


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0"))))
def test_a_shell_splits_the_line_into_the_arguments(arguments: list[str]) -> None:
    """Quoting loses nothing."""
    assert shlex.split(command_line(arguments)) == arguments


def test_nul_cannot_be_quoted() -> None:
    """A command that no shell could run shows a placeholder."""
    assert command_line(["ls", "a\0b"]) == WITH_NUL
