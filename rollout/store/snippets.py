"""The piece of a text that a match stands in, on one line, with the matches marked. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rollout.catalog.search_query import Node, Span, find_spans
from rollout.catalog.search_words import iter_places

_BEFORE_CHARS: Final = 60
_BEHIND_CHARS: Final = 140
_LONGEST_SCANNED: Final = 1 << 20
_CUT: Final = "…"


class Snippet(Struct, frozen=True):
    """A text, and where matches stand in it: half-open, in characters."""

    text: str
    matches: list[Span]


def make_snippet(node: Node, text: str) -> Snippet:
    """Return what stands around the first match of a text; the beginning where none is found."""
    spans = find_spans(node, list(iter_places(text[:_LONGEST_SCANNED])))
    middle = spans[0] if spans else Span(0, 0)
    first = _start(text, middle.start)
    last = _end(text, max(middle.end, first + _BEFORE_CHARS + _BEHIND_CHARS))
    line = _CUT if text[:first].strip() else ""
    found: list[Span] = []
    at = first
    for span in spans:
        if span.start < at or span.end > last:
            continue
        line = _joined(line, text[at : span.start])
        match = _joined("", text[span.start : span.end])
        found.append(Span(len(line), len(line) + len(match)))
        line += match
        at = span.end
    line = _joined(line, text[at:last]).rstrip()
    return Snippet(line + (_CUT if text[last:].strip() else ""), found)


def _start(text: str, at: int) -> int:
    """Return where to begin before a match: at a word, and not far from it."""
    if at <= _BEFORE_CHARS:
        return 0
    space = text.find(" ", at - _BEFORE_CHARS, at)
    return space + 1 if space >= 0 else at - _BEFORE_CHARS


def _end(text: str, at: int) -> int:
    if at >= len(text):
        return len(text)
    space = text.rfind(" ", max(0, at - _BEFORE_CHARS // 2), at)
    return space if space >= 0 else at


def _joined(line: str, more: str) -> str:
    """Return a line with more behind it, white space of any kind and length as one space."""
    shown = "".join(letter if letter.isprintable() else " " for letter in more)
    words = " ".join(shown.split())
    lead = " " if shown[:1].isspace() and line and not line.endswith(" ") else ""
    tail = " " if words and shown[-1:].isspace() else ""
    return f"{line}{lead}{words}{tail}" if words else f"{line}{lead}"
