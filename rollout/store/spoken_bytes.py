"""Whether a file may hold a text, by its bytes: no line is taken apart, and nothing that holds it is missed.

Letters stand in JSON as they are, but for a few; where a writer may have put them otherwise, the answer is
that it may.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rollout.errors import RolloutError
from rollout.fs.api import FileSystem
from rollout.log.layout import COMPRESSED_SUFFIX, RolloutFile

_FIRST_READ_BYTES: Final = 64 << 10
_READ_BYTES: Final = 4 << 20
_PLAIN: Final = re.compile(r"[ !#-.0-\[\]-~]+")
"""What JSON writers store as it is."""
_ESCAPED: Final = re.compile(rb"\\u00[2-7]")
"""Plain letters that a writer chose to escape all the same."""
_TWINS: Final = {"s": ("\u017f", rb"\u017f"), "k": ("\u212a", rb"\u212a")}
"""Letters that are a plain one but for their case."""


def byte_test(fs: FileSystem, text: str) -> Callable[[RolloutFile], bool]:
    """Return what tells whether a file may hold a text at all, at the price of reading its bytes."""
    longest = max(_PLAIN.findall(text), key=len, default="").lower()
    if not longest:
        return lambda _: True
    needle = longest.encode()
    twins = [form for letter in _TWINS if letter in longest for form in _forms(letter)]

    def may_hold(file: RolloutFile) -> bool:
        if file.path.endswith(COMPRESSED_SUFFIX):
            return True
        try:
            with fs.open_read(file.path) as opened:
                offset, size = 0, _FIRST_READ_BYTES
                while True:
                    content = opened.read_at(offset, size)
                    if _may_hold(content.lower(), needle, twins):
                        return True
                    if len(content) < size:
                        return False
                    offset += size - len(needle) - len(rb"\u0000")
                    size = _READ_BYTES
        except RolloutError:
            return True  # what is wrong with it is told by whoever opens it

    return may_hold


def _forms(letter: str) -> tuple[bytes, bytes]:
    twin, escaped = _TWINS[letter]
    return twin.encode(), escaped


def _may_hold(content: bytes, needle: bytes, twins: list[bytes]) -> bool:
    if needle in content or any(twin in content for twin in twins):
        return True
    return b"\\u00" in content and _ESCAPED.search(content) is not None
