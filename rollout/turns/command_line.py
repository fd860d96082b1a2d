"""One line of text for an argument vector, quoted for a shell.

The reference server's quoting, byte for byte: an argument is cut into the longest
chunks that one kind of quoting can hold, and each chunk takes the plainest kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

_PLAIN: Final = re.compile(r"[-+./:@\]_0-9A-Za-z]+")
_SINGLE: Final = re.compile(r"\^?[^'\\^]*")  # a caret only leads: shells differ about it elsewhere
_DOUBLE: Final = re.compile(r"[^`$!^]*")
_ESCAPED: Final = re.compile(r'["\\]')

WITH_NUL: Final = "<command included NUL byte>"
"""What stands for a command that no shell could be given."""


def command_line(arguments: Iterable[str]) -> str:
    """Return the arguments as one line that a POSIX shell splits into them again."""
    words = tuple(arguments)
    if any("\0" in word for word in words):
        return WITH_NUL
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    return "".join(_chunks(word)) if word else "''"


def _chunks(word: str) -> Iterator[str]:
    start = 0
    while start < len(word):
        plain_end = _end(_PLAIN, word, start)
        single_end = _end(_SINGLE, word, start)
        double_end = _end(_DOUBLE, word, start)
        end = max(single_end, double_end)
        chunk = word[start:end]
        if plain_end >= end:
            yield chunk
        elif single_end == end:
            yield f"'{chunk}'"
        else:
            escaped = _ESCAPED.sub(r"\\\g<0>", chunk)
            yield f'"{escaped}"'
        start = end


def _end(pattern: re.Pattern[str], word: str, start: int) -> int:
    found = pattern.match(word, start)
    return found.end() if found else start
