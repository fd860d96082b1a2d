"""Queries: what they ask the index, what they match, and what is wrong with them."""

from __future__ import annotations

import pytest

from rollout.catalog.search_query import Span, expression_of, find_spans, is_exact, matches, parse_query
from rollout.catalog.search_words import atoms_of, iter_places
from rollout.errors import InvalidRequest


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        ("Lease", '("lease")'),
        ("lease epoch", '(("lease") AND ("epoch"))'),
        ("lease AND epoch OR lock", '((("lease") AND ("epoch")) OR ("lock"))'),
        ("lease (epoch OR lock)", '(("lease") AND (("epoch") OR ("lock")))'),
        ("lease NOT lock", '((("lease")) NOT (("lock")))'),
        ("quarant*", '("quarant"*)'),
        ('"torn tail"', '("torn" AND "tail")'),
        ('"torn ta"*', '("torn" AND "ta"*)'),
        ("snake_case", '("snake" AND "case")'),
        ("検", '("検"*)'),
        ("検索機", '("検索" AND "索機")'),
        ('"OR" and', '(("or") AND ("and"))'),
        ('a" OR "b', '(("a") AND ("or") AND ("b"))'),
        ('lease NOT "torn tail"', '(("lease"))'),
    ],
)
def test_a_query_asks_the_index_for_keys(query: str, expression: str) -> None:
    """Nothing that people type is syntax there; what the index cannot tell it is not asked to leave out."""
    assert expression_of(parse_query(query)) == expression


@pytest.mark.parametrize(
    ("query", "text", "does"),
    [
        ('"torn tail"', "a torn, tail", True),
        ('"torn tail"', "a tail torn", False),
        ('"torn ta"*', "torn tails", True),
        ("lease NOT lock", "a lease", True),
        ("lease NOT lock", "a lease and a lock", False),
        ('lease NOT "torn tail"', "lease of a tail torn", True),
        ("lease OR lock", "lock", True),
        ("(lease OR lock) epoch", "lock", False),
        ("main.py", "see src/main.py", True),
        ("索機", "検索機能", True),
        ("検能", "検索機能", False),
        ("CAFÉ", "the cafe", True),
    ],
)
def test_a_query_matches_a_text(query: str, text: str, *, does: bool) -> None:
    """Words anywhere, phrases in their order."""
    assert matches(parse_query(query), atoms_of(text)) is does


@pytest.mark.parametrize(
    ("query", "exact"),
    [
        ("lease", True),
        ("lea*", True),
        ("検索", True),
        ("main.py", False),
        ("a NOT b_c", False),
        ("検索機", False),
    ],
)
def test_only_an_order_of_words_needs_the_text(query: str, *, exact: bool) -> None:
    """The index knows which words, and not where."""
    assert is_exact(parse_query(query)) is exact


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "expected a word, found the end"),
        ("lease AND", "expected a word, found the end"),
        ("AND lease", "expected a word, found 'AND' at character 1"),
        ("(lease", "expected ), found the end"),
        ("lease)", "expected AND, OR or the end, found ')' at character 6"),
        ("call()", "expected a word, found ')' at character 6"),
        ('say "lease', 'expected a second " for the one at character 5'),
        ("NOT lease", "expected something to be found beside what NOT leaves out, found the end"),
        ("lease OR NOT lock", "expected something to be found beside what NOT leaves out, found the end"),
        ("lease --", "expected a letter or a digit, found '--' at character 7"),
        ('lease ""', "expected a letter or a digit, found '' at character 7"),
        ("(" * 40 + "a", "expected at most 32 parentheses in each other, found 'a'"),
        ("a " * 65, "expected at most 64 words and phrases, found 'a' at character 129"),
        ("a" * 2_001, "expected at most 2,000 characters, found 2,001"),
    ],
)
def test_a_bad_query_says_where_it_went_wrong(query: str, message: str) -> None:
    """And is a mistake in the call, whatever it is."""
    with pytest.raises(InvalidRequest) as caught:
        parse_query(query)
    assert caught.value.message.startswith(f"searching: {message}"[:60])
    assert caught.value.hint


def test_matches_are_marked_where_they_stand() -> None:
    """Each occurrence once, phrases whole, and nothing of what NOT leaves out."""
    text = "Torn tail: a tail, torn; TAILS"
    node = parse_query('"torn tail" OR tail* NOT lease')
    spans = find_spans(node, list(iter_places(text)))
    assert [text[span.start : span.end] for span in spans] == ["Torn tail", "tail", "TAILS"]
    assert spans[0] == Span(0, 9)
