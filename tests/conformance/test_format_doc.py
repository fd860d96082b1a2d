"""The format document, held to the code: its sections exist, its lines decode, its examples are executed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from rollout.format.codec import decode_lines
from rollout.format.record import Era, Reason, Record
from rollout.fs.posix import POSIX
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.log.layout import find_name
from rollout.replay.context import Context, read_context
from rollout.replay.lineage import Lineage
from rollout.store.opening import Opener
from rollout.store.turn_pages import read_turns
from rollout.turns.items import ThreadItem
from rollout.turns.model import Turn
from rollout.turns.paging import ItemsView
from rollout.turns.unknown import UnknownItem

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FORMAT = (DOCS / "format.md").read_text()
PROTOCOL = (DOCS / "protocol.md").read_text()

_CITED = re.compile(r'docs/(\w+\.md),\s+((?:"[^"]+"(?:,\s+|\s+and\s+)?)+)')
_QUOTED = re.compile(r'"([^"]+)"')
_HEADING = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


class Block(Struct, frozen=True):
    """One fenced block: its language, the words behind it, and its text."""

    language: str
    words: tuple[str, ...]
    text: str

    def word(self, key: str) -> str | None:
        """Return what stands behind `key=`, or None."""
        return next((word.removeprefix(f"{key}=") for word in self.words if word.startswith(f"{key}=")), None)


class Example(Struct, frozen=True):
    """One worked example: its blocks, in order."""

    title: str
    blocks: tuple[Block, ...]

    def answers(self, kind: str) -> list[Any]:
        """Return the answers of one kind."""
        return [json.loads(block.text) for block in self.blocks if block.word("answer") == kind]


def blocks_of(text: str) -> tuple[Block, ...]:
    """Return the fenced blocks of a text."""
    return tuple(Block(found[1], tuple(found[2].split()), found[3]) for found in _FENCE.finditer(text))


def examples() -> Iterator[Example]:
    """Yield the worked examples of the format document."""
    _, _, tail = FORMAT.partition("\n## Worked examples\n")
    for part in tail.split("\n### ")[1:]:
        title, _, body = part.partition("\n")
        yield Example(title, blocks_of(body))


EXAMPLES = [pytest.param(example, id=example.title) for example in examples()]
RECORD_BLOCKS = [block for block in blocks_of(FORMAT) if "record" in block.words]


def cited_sections() -> list[tuple[str, str, str]]:
    """Return every (module, document, section) that the code's docstrings name."""
    found: list[tuple[str, str, str]] = []
    for package in ("rollout", "fork"):
        for path in sorted((ROOT / package).rglob("*.py")):
            source = " ".join(path.read_text().split())
            for citation in _CITED.finditer(source):
                sections = _QUOTED.findall(citation[2])
                found.extend((str(path.relative_to(ROOT)), citation[1], section) for section in sections)
    return found


@pytest.fixture(name="opened")
def opened_example(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Example, Lineage]]:
    """Write an example's files into a home, and open the thread of the last one."""
    example: Example = request.param
    folder = tmp_path / "sessions" / "2026" / "01" / "02"
    folder.mkdir(parents=True)
    name = ""
    for block in example.blocks:
        found = block.word("file")
        if found is not None:
            name = found
            ending = "" if "torn" in block.words else "\n"
            (folder / name).write_text(block.text + ending, newline="")
    parts = find_name(name)
    assert parts is not None
    with Opener(POSIX, str(tmp_path), MAX_LINE_BYTES).open_thread(parts.thread_id) as lineage:
        yield example, lineage


def plain(value: Any) -> Any:
    """Return a value as its JSON reads."""
    return msgspec.json.decode(msgspec.json.encode(value))


def shown(actual: Any, expected: Any) -> Any:
    """Return `actual` reduced to the members that `expected` is about."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return {key: shown(actual.get(key), value) for key, value in expected.items()}
    if isinstance(expected, list) and isinstance(actual, list) and len(actual) == len(expected):
        return [shown(one, other) for one, other in zip(actual, expected, strict=True)]
    return actual


def resumed(context: Context) -> dict[str, Any]:
    """Return a context under the names that the document's `resume` answers use."""
    window = context.window
    return {
        "window": {
            "number": window.number,
            "firstId": window.first_id,
            "previousId": window.previous_id,
            "id": window.id,
        },
        "worldState": plain(context.world_state),
        "referenceContext": plain(context.reference_context),
        "settings": plain(context.previous_turn_settings),
        "threadTokens": context.usage.thread.total_tokens if context.usage.thread is not None else None,
        "nextOrdinal": context.next_ordinal,
        "segments": context.read.segments,
        "readPath": context.read.path.value,
    }


@pytest.mark.parametrize(("module", "document", "section"), cited_sections())
def test_every_cited_section_exists(module: str, document: str, section: str) -> None:
    """A docstring that names a section of a document names one that is there."""
    assert section in _HEADING.findall((DOCS / document).read_text())


@pytest.mark.parametrize("block", RECORD_BLOCKS, ids=lambda block: block.text[:60])
def test_every_record_of_the_document_decodes(block: Block) -> None:
    """Whatever the document calls a record is one."""
    content = block.text.encode() + b"\n"
    lines = decode_lines(content, 0, Era(block.word("era") or "envelope"))
    assert [line for line in lines if not isinstance(line, Record)] == []
    assert len(lines) == content.count(b"\n")


def test_every_reason_is_listed() -> None:
    """The table of reasons has exactly the reasons that the code gives."""
    table = FORMAT.partition("| reason | damage |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {reason.value for reason in Reason}


@pytest.mark.parametrize("reads_everything", [False, True], ids=["bounded", "full"])
@pytest.mark.parametrize("opened", EXAMPLES, indirect=True)
def test_worked_history(opened: tuple[Example, Lineage], reads_everything: bool) -> None:
    """The model history of every worked example is the one that the document gives."""
    example, lineage = opened
    (expected,) = example.answers("context")
    context = read_context(lineage, reads_everything=reads_everything)
    assert json.loads(context.input_json()) == expected


@pytest.mark.parametrize("reads_everything", [False, True], ids=["bounded", "full"])
@pytest.mark.parametrize("opened", EXAMPLES, indirect=True)
def test_worked_resume(opened: tuple[Example, Lineage], reads_everything: bool) -> None:
    """What else a resume answers is what the document says of it, whichever way it was read."""
    example, lineage = opened
    context = resumed(read_context(lineage, reads_everything=reads_everything))
    for expected in example.answers("resume"):
        wanted = expected | ({"readPath": "full"} if reads_everything else {})
        assert shown(context, wanted) == wanted


@pytest.mark.parametrize("opened", EXAMPLES, indirect=True)
def test_worked_turns(opened: tuple[Example, Lineage]) -> None:
    """The turns of every worked example are those that the document gives."""
    example, lineage = opened
    turns = plain(read_turns(lineage, ItemsView.FULL))
    for expected in example.answers("turns"):
        assert shown(turns, expected) == expected


@pytest.mark.parametrize("opened", EXAMPLES, indirect=True)
def test_worked_damage(opened: tuple[Example, Lineage]) -> None:
    """The damage of every worked example has the spans that the document gives, and there is no other."""
    example, lineage = opened
    found = [
        {"startOffset": one.start_offset, "endOffset": one.end_offset, "reason": one.reason.value}
        for one in read_context(lineage, reads_everything=True).damage
    ]
    assert found == next(iter(example.answers("damage")), [])


def wire_members(shape: Any) -> list[str]:
    """Return the members that a struct encodes to, in order."""
    tag = shape.__struct_config__.tag_field
    return [*([tag] if tag else []), *(field.encode_name for field in msgspec.structs.fields(shape))]


def listed_members(heading: str) -> dict[str, list[str]]:
    """Return the rows of a table of the protocol document: first cell to the members in the second."""
    table = PROTOCOL.partition(f"| {heading} |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE)
    return {name: re.findall(r"`(\w+)`", cell) for name, cell in rows}


def test_items_have_the_members_that_the_protocol_lists() -> None:
    """Every public item is in the document, with its members in the order they are sent."""
    common = ["startedAtMs", "completedAtMs"]
    members = {
        str(item.__struct_config__.tag): [
            member for member in wire_members(item) if member not in {"type", *common}
        ]
        for item in ThreadItem.__args__
        if item is not UnknownItem
    }
    assert listed_members("item `type`") == members


def test_a_turn_has_the_members_that_the_protocol_lists() -> None:
    """The table of a turn's members is complete and in order."""
    table = PROTOCOL.partition("| member of a turn |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == wire_members(Turn)
