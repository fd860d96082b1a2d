"""What people search for: parsed here, so that nothing they type reaches SQL as syntax.

`word`, `prefix*`, `"a phrase"`, AND (also between words that stand next to each other), OR, NOT and
parentheses. The index knows no order of words: where that matters, `matches` decides on the text. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from msgspec import Struct

from rollout.catalog.search_words import Place, Run, atoms_of, runs_of
from rollout.errors import InvalidRequest

LONGEST_QUERY: Final = 2_000
MOST_TERMS: Final = 64
_DEEPEST: Final = 32
_HINT: Final = 'Write words, "a phrase", pref*, AND, OR, NOT and ( ); put anything else in quotes.'
_PIECE: Final = re.compile(r'"(?P<phrase>[^"]*)(?P<end>"?)(?P<star>\*?)|(?P<paren>[()])|(?P<word>[^\s()"]+)')
_OPERATORS: Final = frozenset({"AND", "OR", "NOT"})


class Term(Struct, frozen=True):
    """A word or phrase: atoms one behind the other. `is_prefix`: the last may go on.

    `expression` is what the index is asked; `is_exact` says that its answer needs no look at the text.
    """

    atoms: tuple[str, ...]
    is_prefix: bool
    expression: str
    is_exact: bool


class Both(Struct, frozen=True):
    """All of them, and none of `barred`."""

    wanted: tuple[Node, ...]
    barred: tuple[Node, ...]


class Either(Struct, frozen=True):
    """Any of them."""

    wanted: tuple[Node, ...]


Node = Term | Both | Either


class _Token(Struct, frozen=True):
    kind: str
    text: str
    at: int


def parse_query(text: str) -> Node:
    """Return what a query asks for. Raise InvalidRequest, with the place where it went wrong."""
    if len(text) > LONGEST_QUERY:
        raise InvalidRequest(
            f"searching: expected at most {LONGEST_QUERY:,} characters, found {len(text):,}",
            hint="Search for fewer words.",
        )
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._terms = 0
        self._end = len(text)

    def parse(self) -> Node:
        node = self._either(0)
        if self._next < len(self._tokens):
            self._fail("expected AND, OR or the end")
        return node

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _takes(self, kind: str) -> bool:
        token = self._peek()
        if token is None or token.kind != kind:
            return False
        self._next += 1
        return True

    def _fail(self, expected: str) -> NoReturn:
        token = self._peek()
        found = f"{token.text!r} at character {token.at + 1}" if token is not None else "the end"
        raise InvalidRequest(f"searching: {expected}, found {found}", hint=_HINT)

    def _either(self, depth: int) -> Node:
        nodes = [self._both(depth)]
        while self._takes("OR"):
            nodes.append(self._both(depth))
        return nodes[0] if len(nodes) == 1 else Either(tuple(nodes))

    def _both(self, depth: int) -> Node:
        wanted: list[Node] = []
        barred: list[Node] = []
        while True:
            is_barred = self._takes("NOT")
            (barred if is_barred else wanted).append(self._one(depth))
            if self._takes("AND"):
                continue
            token = self._peek()
            if token is None or token.kind in {"OR", ")"}:
                break
        if not wanted:
            self._fail("expected something to be found beside what NOT leaves out")
        return wanted[0] if len(wanted) == 1 and not barred else Both(tuple(wanted), tuple(barred))

    def _one(self, depth: int) -> Node:
        if self._takes("("):
            if depth >= _DEEPEST:
                self._fail(f"expected at most {_DEEPEST} parentheses in each other")
            node = self._either(depth + 1)
            if not self._takes(")"):
                self._fail("expected )")
            return node
        token = self._peek()
        if token is None or token.kind not in {"term", "prefix"}:
            self._fail("expected a word")
        if self._terms >= MOST_TERMS:
            self._fail(f"expected at most {MOST_TERMS} words and phrases")
        runs = runs_of(token.text)
        if not runs:
            self._fail("expected a letter or a digit")
        self._next += 1
        self._terms += 1
        return _term(token.text, runs, is_prefix=token.kind == "prefix")


def _tokens(text: str) -> Iterator[_Token]:
    for piece in _PIECE.finditer(text):
        found = piece.groupdict()
        if found["phrase"] is not None:
            if not found["end"]:
                raise InvalidRequest(
                    f'searching: expected a second " for the one at character {piece.start() + 1}', hint=_HINT
                )
            yield _Token("prefix" if found["star"] else "term", found["phrase"], piece.start())
        elif found["paren"]:
            yield _Token(found["paren"], found["paren"], piece.start())
        elif found["word"] in _OPERATORS:
            yield _Token(found["word"], found["word"], piece.start())
        else:
            word = found["word"]
            yield _Token("prefix" if word.endswith("*") else "term", word, piece.start())


def _term(text: str, runs: list[Run], *, is_prefix: bool) -> Term:
    asked: list[str] = []
    for number, run in enumerate(runs):
        may_go_on = is_prefix and number == len(runs) - 1
        if not run.is_unspaced:
            asked.append(f'"{run.atoms[0]}"{"*" if may_go_on else ""}')
        elif len(run.atoms) == 1:  # whatever stands behind it
            asked.append(f'"{run.atoms[0]}"*')
        else:
            asked.extend(f'"{one}{other}"' for one, other in zip(run.atoms, run.atoms[1:], strict=False))
    return Term(tuple(atoms_of(text)), is_prefix, " AND ".join(dict.fromkeys(asked)), len(asked) == 1)


def expression_of(node: Node) -> str:
    """Return what the index is asked: it finds whatever matches, and perhaps more unless `is_exact`."""
    match node:
        case Term():
            return f"({node.expression})"
        case Either():
            return f"({' OR '.join(map(expression_of, node.wanted))})"
        case Both():
            asked = " AND ".join(map(expression_of, node.wanted))
            barred = [expression_of(one) for one in node.barred if is_exact(one)]
            return f"(({asked}) NOT ({' OR '.join(barred)}))" if barred else f"({asked})"


def is_exact(node: Node) -> bool:
    """Tell whether the index alone knows what matches."""
    match node:
        case Term():
            return node.is_exact
        case Either():
            return all(map(is_exact, node.wanted))
        case Both():
            return all(map(is_exact, (*node.wanted, *node.barred)))


def matches(node: Node, atoms: Sequence[str]) -> bool:
    """Tell whether a text of these atoms matches."""
    match node:
        case Term():
            return next(_iter_starts(node, atoms), None) is not None
        case Either():
            return any(matches(one, atoms) for one in node.wanted)
        case Both():
            return all(matches(one, atoms) for one in node.wanted) and not any(
                matches(one, atoms) for one in node.barred
            )


def terms_of(node: Node) -> list[Term]:
    """Return the terms that are to be found, without those that are not."""
    if isinstance(node, Term):
        return [node]
    return [term for one in node.wanted for term in terms_of(one)]


def is_choice(node: Node) -> bool:
    """Tell whether what matches need not hold every term."""
    if isinstance(node, Term):
        return False
    return isinstance(node, Either) or any(map(is_choice, node.wanted))


def _iter_starts(term: Term, atoms: Sequence[str]) -> Iterator[int]:
    wanted, size = term.atoms, len(term.atoms)
    first, last = wanted[0], wanted[-1]
    for start in range(len(atoms) - size + 1):
        if size > 1 and atoms[start] != first:
            continue
        end = atoms[start + size - 1]
        if (end == last or (term.is_prefix and end.startswith(last))) and tuple(
            atoms[start : start + size - 1]
        ) == wanted[:-1]:
            yield start


class Span(Struct, frozen=True, order=True):
    """A stretch of a text, half-open, in characters."""

    start: int
    end: int


def find_spans(node: Node, places: Sequence[Place]) -> list[Span]:
    """Return where a text holds the terms that are to be found, in order, none within another."""
    atoms = [place.atom for place in places]
    found = sorted(
        Span(places[start].start, places[start + len(term.atoms) - 1].end)
        for term in terms_of(node)
        for start in _iter_starts(term, atoms)
    )
    spans: list[Span] = []
    for span in found:
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
        elif span.end > spans[-1].end:
            spans[-1] = Span(spans[-1].start, span.end)
    return spans
