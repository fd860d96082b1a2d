"""What a word is to the search."""

from __future__ import annotations

import pytest

from rollout.catalog.search_words import BREAK, LONGEST_ATOM, atoms_of, keys_of


@pytest.mark.parametrize(
    ("text", "atoms"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("snake_case src/main.py", ["snake", "case", "src", "main", "py"]),
        ("Café cafe\u0301 CAFÉ", ["cafe", "cafe", "cafe"]),
        ("Straße", ["strasse"]),
        ("\uff26\uff35\uff2c\uff2c width", ["full", "width"]),
        ("版本v2", ["版", "本", "v2"]),
        ("検索 機能", ["検", "索", BREAK, "機", "能"]),
        ("ⅷ ½ ⑴", ["viii", "12", "1"]),
        ("-- … 👍 \x00", []),
        ("\ud800lone", ["lone"]),
    ],
)
def test_a_text_falls_into_letters_and_digits(text: str, atoms: list[str]) -> None:
    """Without case, accents and width; scripts without spaces into characters."""
    assert atoms_of(text) == atoms


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("to be or not to be", {"to", "be", "or", "not"}),
        ("検索機能", {"検索", "索機", "機能", "能"}),
        ("検 v2", {"検", "v2"}),
        ("naïve plain", {"naive", "plain"}),
    ],
)
def test_a_text_is_indexed_under_its_words_and_pairs(text: str, keys: set[str]) -> None:
    """The last character of a run stands alone, so that each begins a key."""
    assert keys_of(text) == keys


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_long_run_is_known_by_its_beginning(letter: str) -> None:
    """It is data, and would fill the index."""
    plain = "e" if letter == "é" else letter
    assert keys_of(letter * 500) == {plain * LONGEST_ATOM} == set(atoms_of(letter * 500))
