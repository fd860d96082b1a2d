"""What a word is to the search: how texts and queries fall into atoms, and the keys these are indexed under.

An atom is a run of letters and digits, without case and accents; `snake_case` and `src/main.py` are
two and three of them. Scripts that write no spaces fall into characters, indexed in pairs. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final
from unicodedata import normalize

from msgspec import Struct

LONGEST_ATOM: Final = 64
"""What is longer is known by its beginning: it is data, not a word."""
BREAK: Final = ""
"""Stands between two runs of unspaced script, so that nobody takes them for one."""

_UNSPACED: Final = (
    "\u3005-\u3007\u0e00-\u0eff\u1780-\u17ff"
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)
_PLAIN_RUN: Final = re.compile(r"[A-Za-z0-9]+")
_ACCENTS: Final = re.compile(r"[\u0300-\u036f]+")
_NO_LETTERS: Final = re.compile(r"[\W_]+")
_PLAIN: Final = "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128))
"""What each character of plain text becomes: this and a split is the fastest way to its words."""


class Place(Struct, frozen=True, gc=False):
    """An atom and where it stands in its text, half-open, in characters."""

    atom: str
    start: int
    end: int


@cache
def _any_run() -> re.Pattern[str]:
    """Return what finds runs in text of all scripts: so many letters take 10 ms to compile."""
    return re.compile(rf"[{_UNSPACED}]+|(?:[^\W_{_UNSPACED}]|[\u0300-\u036f])+")


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(rf"[{_UNSPACED}]")


def _run_in(text: str) -> re.Pattern[str]:
    """Return what finds the runs of a text."""
    return _PLAIN_RUN if text.isascii() else _any_run()


def _is_unspaced(run: str) -> bool:
    return not run.isascii() and _unspaced().match(run) is not None


@lru_cache(maxsize=1 << 16)
def _folded(run: str) -> str:
    """Return a run without case, accents and the like; nothing for one of marks alone."""
    if run.isascii():
        return run.lower()[:LONGEST_ATOM]
    bare = normalize("NFC", _ACCENTS.sub("", normalize("NFKD", run))).casefold()
    return _NO_LETTERS.sub("", bare)[:LONGEST_ATOM]


def iter_places(text: str) -> Iterator[Place]:
    """Yield the atoms of a text in their order, with a break between runs of unspaced script."""
    was_unspaced = False
    for run in _run_in(text).finditer(text):
        start = run.start()
        is_unspaced = _is_unspaced(run.group())
        if not is_unspaced:
            atom = _folded(run.group())
            if atom:
                yield Place(atom, start, run.end())
        else:
            if was_unspaced:
                yield Place(BREAK, start, start)
            for at, character in enumerate(run.group(), start):
                atom = _folded(character)
                if atom:
                    yield Place(atom, at, at + 1)
        was_unspaced = is_unspaced


def atoms_of(text: str) -> list[str]:
    """Return the atoms of a text in their order."""
    if text.isascii():
        return [run[:LONGEST_ATOM] for run in text.translate(_PLAIN).split()]
    return [place.atom for place in iter_places(text)]


class Run(Struct, frozen=True):
    """A stretch of a text without a gap: one word, or the characters of unspaced script."""

    atoms: tuple[str, ...]
    is_unspaced: bool


def runs_of(text: str) -> list[Run]:
    """Return the runs of a text, in their order."""
    runs = []
    for found in _run_in(text).findall(text):
        is_unspaced = _is_unspaced(found)
        folded = [_folded(character) for character in found] if is_unspaced else [_folded(found)]
        atoms = tuple(atom for atom in folded if atom)
        if atoms:
            runs.append(Run(atoms, is_unspaced))
    return runs


def keys_of(text: str) -> set[str]:
    """Return what a text is indexed under: its words, and of unspaced script each character with the next."""
    if text.isascii():
        return _ascii_keys(text)
    words = text.split()  # no run reaches over white space, and most words are plain
    plain = list(filter(str.isascii, words))
    return _ascii_keys(" ".join(plain)).union(*map(_other_keys, set(words).difference(plain)))


def _ascii_keys(text: str) -> set[str]:
    keys = set(text.translate(_PLAIN).split())
    if max(map(len, keys), default=0) > LONGEST_ATOM:
        return {key[:LONGEST_ATOM] for key in keys}
    return keys


@lru_cache(maxsize=1 << 14)
def _other_keys(word: str) -> frozenset[str]:
    keys: set[str] = set()
    for run in _run_in(word).findall(word):
        if not _is_unspaced(run):
            keys.add(_folded(run))
        else:
            atoms = [atom for atom in map(_folded, run) if atom]
            keys.update(map("".join, pairwise(atoms)))
            keys.update(atoms[-1:])
    keys.discard("")
    return frozenset(keys)
