"""Hypothesis strategies for rollouts: records of every kind, in any order, and lineages cut from them.

    @given(logs(LEGACY))
    def test_reading(lines: list[Line]) -> None:
        content = write_log(THREAD, LEGACY, lines)

Made for whoever writes a reader or a writer of the format: ids come from small pools, so that
turns, items and ordinals collide, and a part of the lines is no record at all.
"""

from __future__ import annotations

import itertools
import json
from typing import Any, Final

from hypothesis import strategies as st
from msgspec import Struct

from rollout.testing import alphabets, payloads

Json = dict[str, Any]

LEGACY: Final = "legacy"
PAGINATED: Final = "paginated"
TIME: Final = "2026-11-21T04:09:33.482Z"


class Line(Struct, frozen=True):
    """One line to write: a record, or bytes that are to be none.

    `ordinal` says which one a paginated rollout gives it: `next`, `gap` (some are left out), `same`
    (as the line before), `none`, `low` (one that was used long ago), or
    `zero`, from where the lines behind it go on.
    """

    type: str = ""
    payload: Any = None
    raw: bytes | None = None
    ordinal: str = "next"


class Made(Struct, frozen=True):
    """A rollout as bytes; `ends` are the offsets and next ordinals behind each of its lines."""

    content: bytes
    ends: list[tuple[int, int]]


class Cut(Struct, frozen=True):
    """One rollout of a lineage: its own lines, and those its child does not inherit."""

    lines: list[Line]
    later: list[Line]


DAMAGED: Final = st.sampled_from(
    [
        b"{broken",
        b"",
        b"  \t",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"timestamp":"t","type":"event_msg"}',
        b'{"type":"event_msg","payload":{"type":"warning"}}',
        b'{"timestamp":1,"type":"event_msg","payload":{"type":"warning"}}',
        b'{"timestamp":"t","ordinal":-1,"type":"event_msg","payload":{"type":"warning"}}',
        b'{"timestamp":"t","ordinal":"1","type":"event_msg","payload":{"type":"warning"}}',
        b'{"timestamp":"t","metadata":[],"type":"event_msg","payload":{"type":"warning"}}',
        b'{"timestamp":"t","type":"from_next_year","payload":{}}',
        b'{"timestamp":"t","type":"event_msg","payload":{"type":"from_next_year"}}',
        b'{"timestamp":"t","type":"response_item","payload":null}',
    ]
)
"""Lines that are no records, some of them damage and some merely newer than their reader."""


_SINGLES: Final = st.one_of(
    *(
        st.sampled_from([Line(type_, payload) for payload in pool])
        for type_, pool in (
            ("response_item", payloads.ITEMS),
            ("event_msg", payloads.EVENTS),
            ("event_msg", payloads.starts(payloads.TURN_IDS) + payloads.ends(payloads.TURN_IDS)),
            ("event_msg", payloads.shown_items(payloads.TURN_IDS)),
            ("turn_context", payloads.contexts((*payloads.TURN_IDS, None))),
            ("compacted", payloads.COMPACTIONS),
            ("world_state", payloads.WORLDS),
            ("token_usage_record", payloads.USAGE_RECORDS),
            ("inter_agent_communication", [payloads.COMMUNICATION]),
            ("retained_context", [{}]),
            ("session_meta", [payloads.COPIED_HEADER]),
        )
    )
)
_ORDINALS: Final = st.sampled_from(["next"] * 24 + ["gap", "gap", "same", "none", "low", "zero"])


def records() -> st.SearchStrategy[Line]:
    """Return one record of any kind, mostly with the ordinal that is next."""
    return st.builds(lambda line, ordinal: Line(line.type, line.payload, None, ordinal), _SINGLES, _ORDINALS)


def _parts(turn_id: str) -> list[tuple[int, str, list[Json]]]:
    """Return what a turn is made of in the order of the reference client: odds of 8, type, pool."""
    named = [turn_id]
    return [
        (8, "event_msg", payloads.starts(named)),
        (2, "response_item", payloads.CONTEXTS),
        (3, "world_state", payloads.WORLDS),
        (7, "turn_context", payloads.contexts(named)),
        (7, "response_item", payloads.REQUESTS),
        (6, "event_msg", payloads.shown_items(named)),
        (4, "event_msg", payloads.ASKED),
        (6, "event_msg", payloads.shown_items(named)),
        (4, "event_msg", payloads.SAID),
        (6, "response_item", payloads.ANSWERS),
        (3, "token_usage_record", payloads.USAGE_RECORDS),
        (3, "event_msg", payloads.TOKEN_COUNTS),
        (1, "compacted", payloads.COMPACTIONS),
        (1, "world_state", payloads.WORLDS),
        (7, "event_msg", payloads.ends(named)),
    ]


_PARTS: Final = {turn_id: _parts(turn_id) for turn_id in payloads.TURN_IDS}


@st.composite
def turns(draw: st.DrawFn) -> list[Line]:
    """Draw the lines of one turn in the order of the reference client; parts may be missing."""
    parts = _PARTS[draw(st.sampled_from(payloads.TURN_IDS))]
    dice = draw(st.binary(min_size=2 * len(parts), max_size=2 * len(parts)))
    lines: list[Line] = []
    for index, (odds, type_, pool) in enumerate(parts):
        if dice[2 * index] % 8 < odds:
            chosen = (dice[2 * index] // 8) << 8 | dice[2 * index + 1]
            lines.append(Line(type_, pool[chosen % len(pool)]))
    return lines


def _alphabet(records: list[payloads.Body]) -> st.SearchStrategy[Line]:
    """Return lines of a few records, each now and then with an odd ordinal."""
    sound = [Line(type_, payload) for type_, payload in records]
    odd = [
        Line(line.type, line.payload, None, ordinal)
        for line, ordinal in zip(sound, itertools.cycle(["same", "low", "none", "gap", "zero"]))
    ]
    return st.sampled_from(sound * 8 + odd)


_CORE: Final = _alphabet(alphabets.CORE)
_ALPHABETS: Final = (_CORE, _alphabet(alphabets.TURN_CORE), _alphabet(alphabets.LEGACY_CORE))


def logs(*, is_orderly: bool = False, max_size: int = 12) -> st.SearchStrategy[list[Line]]:
    """Return the lines of a rollout behind its header: turns, single records, damage.

    `is_orderly`: whole turns with ids of their own and ordinals that run on.
    """
    if is_orderly:
        return st.lists(turns(), max_size=max_size).map(_renamed)
    single = records().map(lambda line: [line])
    damage = DAMAGED.map(lambda raw: [Line(raw=raw)])
    blocks = st.one_of(turns(), turns(), st.lists(_CORE, max_size=4), single, single, damage)
    mixed = st.lists(blocks, max_size=max_size).map(_joined)
    return st.one_of(mixed, *(st.lists(letters, max_size=2 * max_size) for letters in _ALPHABETS))


@st.composite
def compacted_logs(draw: st.DrawFn) -> list[Line]:
    """Draw a log in which a backward read may stop: some past, a compaction's turn, a short suffix.

    The usage reports at the end are known early, as they are in real logs.
    """
    lines = draw(logs(max_size=5))
    dice = draw(st.binary(min_size=12, max_size=12))
    for index, pool in enumerate(alphabets.COMPACTION_TURN):
        chosen = dice[index] % (len(pool) + 1)
        if chosen < len(pool):
            lines.append(Line(*pool[chosen]))
    lines += draw(st.lists(_CORE, max_size=6))
    return lines + [Line(*record) for record in alphabets.REPORTS[: dice[-1] % 4]]


def _joined(blocks: list[list[Line]]) -> list[Line]:
    return [line for block in blocks for line in block]


def _renamed(blocks: list[list[Line]]) -> list[Line]:
    """Give every turn an id of its own, as the reference client does."""
    lines: list[Line] = []
    for number, block in enumerate(blocks):
        for line in block:
            payload = line.payload
            if "turn_id" in payload:
                payload = {**payload, "turn_id": f"turn-{number}"}
            lines.append(Line(line.type, payload))
    return lines


@st.composite
def lineages(draw: st.DrawFn, *, is_orderly: bool = False, max_files: int = 4) -> list[Cut]:
    """Return the rollouts of a lineage, oldest first: one history, cut behind ends of turns."""
    lines = draw(logs(is_orderly=is_orderly))
    places = [index + 1 for index, line in enumerate(lines) if _ends_turn(line)]
    count = draw(st.integers(0, min(max_files - 1, len(places))))
    chosen = sorted(draw(st.permutations(places))[:count]) if places else []
    cuts: list[Cut] = []
    start = 0
    for end in [*chosen, len(lines)]:
        later = draw(logs(is_orderly=is_orderly, max_size=2)) if end != len(lines) else []
        cuts.append(Cut(lines[start:end], later))
        start = end
    return cuts


def _ends_turn(line: Line) -> bool:
    kind = line.payload.get("type") if isinstance(line.payload, dict) else None
    return line.type == "event_msg" and kind in {"task_complete", "turn_complete", "turn_aborted"}


def write_log(
    thread_id: str, mode: str, lines: list[Line], *, base: Json | None = None, **members: Any
) -> Made:
    """Return a rollout's bytes: a header, then the lines; `members` add to the header's payload."""
    linked = {"history_base": base} if base is not None else {}
    header = {
        "id": thread_id,
        "timestamp": TIME,
        "cwd": "/src/app",
        "originator": "made",
        "cli_version": "0.169.0",
        "history_mode": mode,
        **linked,
        **members,
    }
    content = b""
    ends: list[tuple[int, int]] = []
    first = base["end_ordinal_exclusive"] if base is not None else 0
    next_ordinal = first
    for line in [Line("session_meta", header), *lines]:
        numbered: Json = {}
        if line.raw is None and mode == PAGINATED and line.ordinal != "none":
            ordinal = {
                "next": next_ordinal,
                "gap": next_ordinal + 5,
                "same": max(first, next_ordinal - 1),
                "low": first + 1,
                "zero": 0,
            }[line.ordinal]
            numbered["ordinal"] = ordinal
            next_ordinal = next_ordinal if line.ordinal == "low" else max(first, ordinal) + 1
        content += line.raw if line.raw is not None else _compact(line, numbered)
        content += b"\n"
        ends.append((len(content), next_ordinal))
    return Made(content, ends)


def _compact(line: Line, numbered: Json) -> bytes:
    record = {"timestamp": TIME, **numbered, "type": line.type, "payload": line.payload}
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def write_lineage(rollout_ids: list[str], cuts: list[Cut], **members: Any) -> list[Made]:
    """Return the files of a lineage, oldest first, each but the first with its base."""
    files: list[Made] = []
    base: Json | None = None
    for rollout_id, cut in zip(rollout_ids, cuts, strict=True):
        made = write_log(rollout_id, PAGINATED, cut.lines + cut.later, base=base, **members)
        offset, ordinal = made.ends[len(cut.lines)]
        base = {"thread_id": rollout_id, "end_ordinal_exclusive": ordinal, "end_byte_offset": offset}
        files.append(made)
    return files
