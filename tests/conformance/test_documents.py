"""The documents, held to the tree: whatever they link to or name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rollout.appserver.dispatch import METHODS
from rollout.appserver.watching import ENDED, RECORDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    pytest.param(path, id=str(path.relative_to(ROOT)))
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAMED = re.compile(r"`((?:rollout|fork|tests|tools|fixtures)/[\w./*-]+)`")
_TEST = re.compile(r"`(test_\w+)`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: Path) -> None:
    """A link to another document, or to a heading, finds it."""
    broken: list[str] = []
    for link in _LINK.findall(document.read_text()):
        name, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (document.parent / name) if name else document
        is_found = target.exists()
        if is_found and anchor:
            is_found = anchor in map(slug, _HEADING.findall(target.read_text()))
        if not is_found:
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document: Path) -> None:
    """A path in a document is a path in the tree, unless it is the name of a method or notification."""
    named = [name for name in _NAMED.findall(document.read_text()) if name not in {*METHODS, RECORDS, ENDED}]
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_is_named_exists(document: Path) -> None:
    """A proof that a document names can be run."""
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = _TEST.findall(document.read_text())
    assert [name for name in named if f"def {name}(" not in tests] == []
