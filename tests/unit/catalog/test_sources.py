"""Which keys an edit moves: those of every domain that the source makes rows of, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from catalog_keys import PACKAGE, read_sources, rendered

from rollout.catalog.registry import DOMAINS
from rollout.catalog.sources import OWN, key_of

ALL = set(OWN)


def moved(edits: dict[str, bytes | None]) -> set[str]:
    """Return the domains whose key is another after edits: text put behind a source, or None for gone."""
    before = read_sources(PACKAGE)
    after = dict(before)
    for path, text in edits.items():
        if text is None:
            del after[path]
        else:
            after[path] = before.get(path, b"") + text
    return {domain for domain in OWN if key_of(domain, before) != key_of(domain, after)}


@pytest.mark.parametrize(
    ("path", "domains"),
    [
        ("format/codec.py", ALL),
        ("format/vocabulary.py", ALL),
        ("log/header.py", ALL),
        ("log/lines.py", ALL),
        ("replay/lineage.py", ALL),
        ("turns/said.py", ALL),
        ("store/summary.py", ALL),
        ("store/described.py", ALL),
        ("store/places.py", ALL),
        ("ids.py", ALL),
        ("catalog/extract.py", ALL),
        ("catalog/picking.py", ALL),
        ("catalog/absorb.py", ALL),
        ("catalog/turn_index.py", {"turns"}),
        ("catalog/search.py", {"search"}),
        ("catalog/search_text.py", {"search"}),
        ("catalog/usage.py", {"usage"}),
        ("catalog/spawn.py", {"spawn"}),
        ("catalog/brand_new.py", ALL),
        ("format/brand_new.py", ALL),
        ("catalog/schema.py", set()),
        ("catalog/query.py", set()),
        ("catalog/keys.py", set()),
        ("catalog/facts.py", set()),
        ("log/writer.py", set()),
        ("format/encoding.py", set()),
        ("fs/posix.py", set()),
        ("cli/app.py", set()),
        ("wire/threads.py", set()),
        ("store/recorder.py", set()),
        ("version.py", set()),
    ],
)
def test_an_edit_moves_the_keys_of_what_it_makes(path: str, domains: set[str]) -> None:
    """A source that nobody named moves all: a needless rebuild is the worst that can happen."""
    assert moved({path: b"# an edit\n"}) == domains


def test_text_that_changes_places_moves_keys() -> None:
    """What matters is which source says what, not what all of them say together."""
    before = read_sources(PACKAGE)
    one, other = before["format/codec.py"], before["format/checks.py"]
    after = {**before, "format/codec.py": one + other, "format/checks.py": b""}
    assert key_of("threads", before) != key_of("threads", after)


def test_taking_an_edit_back_takes_the_key_back() -> None:
    """A key follows from the text and from nothing else."""
    assert moved({}) == set()


def test_a_source_that_is_gone_moves_keys() -> None:
    """As much as one that is new."""
    assert moved({"format/checks.py": None}) == ALL


def test_every_domain_has_a_key() -> None:
    """A domain that nobody entered would have none to be made anew by."""
    assert {domain.name for domain in DOMAINS} <= ALL


def test_the_generated_module_is_what_the_tool_writes(tmp_path: Path) -> None:
    """It holds a key of 16 hexadecimal digits for every domain."""
    target = tmp_path / "keys.py"
    target.write_text(rendered(read_sources(PACKAGE)))
    names: dict[str, dict[str, str]] = {}
    exec(target.read_text(), names)
    assert set(names["KEYS"]) == ALL
    assert all(len(key) == 16 and int(key, 16) >= 0 for key in names["KEYS"].values())
