"""Whether a copy shows what its lineage shows: turns, items and context, one by one.

Asked before the copy has a name, wherever that is not certain from the way it was made.
"""

from __future__ import annotations

import msgspec

from rollout.errors import UnsupportedFormat
from rollout.format.record import Mode
from rollout.fs.api import FileSystem
from rollout.log.header import read_header
from rollout.log.source import open_source
from rollout.replay.context import Context, read_context
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.sealed import SealWatch
from rollout.store.opening import find_file
from rollout.store.projecting import project
from rollout.store.turn_pages import read_turns
from rollout.turns.paging import ItemsView
from rollout.turns.rows import in_order, shown_item


def open_copy(fs: FileSystem, draft: str, path: str, max_line_bytes: int) -> Lineage:
    """Return a copy that is still a draft as the lineage that it will be under its name."""
    source = open_source(fs, draft)
    header = read_header(source, max_line_bytes)
    file = find_file(path)
    assert file is not None, "a copy has the name of a rollout"
    start = header.end_offset if header.mode is Mode.PAGINATED else 0
    segment = Segment(file, header, source.identity, start, source.size_bytes)
    return Lineage(fs, [segment], source, max_line_bytes)


def check_copy(lineage: Lineage, copy: Lineage, *, is_thread: bool) -> None:
    """Raise UnsupportedFormat when a copy shows anything else than its lineage; say what.

    Turns that were taken over into a legacy rollout have the summary that legacy turns have.
    `is_thread`: it is the same thread, so that its first window is the same, too.
    """
    converted = set() if lineage.is_paginated else _paginated_turns(lineage)
    for view in (ItemsView.FULL, ItemsView.SUMMARY):
        wanted = read_turns(lineage, view, allow_damage=True)
        found = read_turns(copy, view, allow_damage=True)
        if len(wanted) != len(found):
            raise _differs(lineage, f"{len(wanted)} turns")
        for before, after in zip(wanted, found, strict=True):
            is_summed_up_anew = view is ItemsView.SUMMARY and before.id in converted
            if before != after and not is_summed_up_anew:
                raise _differs(lineage, f"turn {before.id}")
    if lineage.is_paginated and _all_items(lineage) != _all_items(copy):
        raise _differs(lineage, "the list of its items")
    before_it = read_context(lineage, reads_everything=True)
    after_it = read_context(copy, reads_everything=True)
    for what in _differences(before_it, after_it, is_thread=is_thread):
        raise _differs(lineage, what)


def _paginated_turns(lineage: Lineage) -> set[str]:
    return {row.turn_id for row in project(lineage, SealWatch(lineage)).turns()}


def _all_items(lineage: Lineage) -> list[object]:
    rows = in_order(project(lineage, SealWatch(lineage)).items())
    return [(row.ordinal, shown_item(row)) for row in rows if shown_item(row) is not None]


def _differences(before: Context, after: Context, *, is_thread: bool) -> list[str]:
    pairs: dict[str, tuple[object, object]] = {
        "what a model is given": (before.input_json(), after.input_json()),
        "its settings": (before.previous_turn_settings, after.previous_turn_settings),
        "its reference context": (_bytes(before.reference_context), _bytes(after.reference_context)),
        "its world state": (_bytes(before.world_state), _bytes(after.world_state)),
        "its usage": (before.usage, after.usage),
        "its newest turn context": (_encoded(before.latest_context), _encoded(after.latest_context)),
    }
    if is_thread:
        pairs["its window"] = (before.window, after.window)
    return [what for what, (one, other) in pairs.items() if one != other]


def _bytes(raw: msgspec.Raw | None) -> bytes | None:
    return bytes(raw) if raw is not None else None


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value)


def _differs(lineage: Lineage, what: str) -> UnsupportedFormat:
    return UnsupportedFormat(
        f"copying thread {lineage.thread_id}: one file would show {what} otherwise than its lineage does",
        hint="Leave it as it is: it can be read and gone on with.",
    )
