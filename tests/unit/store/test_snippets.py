"""The piece of a text that a match stands in."""

from __future__ import annotations

import pytest

from rollout.catalog.search_query import parse_query
from rollout.store.snippets import make_snippet


def marked(query: str, text: str) -> str:
    """Return a snippet with its matches in brackets."""
    snippet = make_snippet(parse_query(query), text)
    shown, at = "", 0
    for span in snippet.matches:
        shown += f"{snippet.text[at : span.start]}[{snippet.text[span.start : span.end]}]"
        at = span.end
    return shown + snippet.text[at:]


@pytest.mark.parametrize(
    ("query", "text", "snippet"),
    [
        ("lease", "The lease.", "The [lease]."),
        ("lease", "a\n\tlease\r\n\n b", "a [lease] b"),
        ('"torn tail"', "a torn\n tail of", "a [torn tail] of"),
        ("main.py", "see src/main.py:7", "see src/[main.py]:7"),
        ("索機", "検索機能。", "検[索機]能。"),
        ("a b", "b, a and B", "[b], [a] and [B]"),
        ("lease", "the\x1b\x00lease\u2028", "the [lease]"),
    ],
)
def test_a_snippet_is_one_line_with_every_match_marked(query: str, text: str, snippet: str) -> None:
    """White space and what cannot be printed is one space."""
    assert marked(query, text) == snippet


def test_a_long_text_is_cut_around_its_first_match() -> None:
    """At words, and both cuts are shown."""
    shown = marked("lease", f"{'before ' * 50}lease {'behind ' * 50}")
    assert shown.startswith("…before ")
    assert shown.endswith("behind…")
    assert "[lease]" in shown
    assert len(shown) < 230


def test_a_text_without_a_space_is_cut_all_the_same() -> None:
    """A match far into a blob is still shown."""
    shown = marked("lease", f"{'/x' * 500}/lease/{'y/' * 500}")
    assert "[lease]" in shown
    assert len(shown) < 230
