"""From a reading to the checkpoint that spares the next one most of it.

A reading that itself stood on a checkpoint takes over that one's places, so that making one reads
what was written since and no more. Format: docs/format.md, "Checkpoints".
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Raw, Struct

from rollout.errors import RolloutError
from rollout.format.encoding import MAX_LEVELS, levels_of
from rollout.format.record import Record
from rollout.format.seals import find_seal
from rollout.log.anchor import anchor_of
from rollout.replay.checkpoint import (
    VERSION,
    Checkpoint,
    Ended,
    Parts,
    Place,
    UnlikeError,
    World,
    digest_of,
    encode_checkpoint,
)
from rollout.replay.context import Settled, last_ordinal, settle
from rollout.replay.foundation import Sidecars
from rollout.replay.history import HistoryItem
from rollout.replay.lineage import Lineage
from rollout.replay.reading import Reading
from rollout.replay.scan import Reference
from rollout.replay.sealed import refuse_broken
from rollout.replay.usage import UNKNOWN
from rollout.replay.world import fold_world

_LONGEST_FOLD: Final = 32
"""So many states of the world are named by their places; more are folded into one."""
_BLOCK_BYTES: Final = 64 << 10
_NO_ITEMS: Final = Raw(b"[]")


class MadeCheckpoint(Struct, frozen=True):
    """A checkpoint and its bytes, and how many bytes of model history it names.

    `since_bytes` of the newest rollout were read to make it.
    """

    checkpoint: Checkpoint
    content: bytes
    context_bytes: int
    since_bytes: int


def make_checkpoint(lineage: Lineage, sidecars: Sidecars | None = None) -> MadeCheckpoint | None:
    """Return a checkpoint of all that a lineage holds in whole lines.

    Reads back to the newest checkpoint. Leaves the lineage ending at the last whole line. None
    when there is nothing behind the header, or a number or a nesting that cannot be stored. Raise
    DamagedLog when what was read is not what was sealed: a checkpoint would vouch for it.
    """
    segment = lineage.newest
    end_offset = find_line_end(lineage, segment.end_offset)
    lineage.end_at(end_offset)
    if end_offset <= max(segment.start_offset, segment.header.end_offset):
        return None
    reading = Reading(lineage, sidecars=sidecars, is_for_checkpoint=True)
    reading.run()
    refuse_broken(lineage.thread_id, reading.broken)
    return describe(reading, settle(reading))


def offer_checkpoint(reading: Reading, settled: Settled, sidecars: Sidecars) -> None:
    """Offer a checkpoint of a reading that was long, if the next one would be shorter by a quarter.

    None of what was altered since it was sealed, or ends inside a line. Never fails: nobody asked for it.
    """
    lineage = reading.lineage
    bytes_scanned = reading.bytes_scanned
    end_offset = lineage.newest.end_offset
    if reading.broken or find_line_end(lineage, end_offset) != end_offset:
        return
    made: MadeCheckpoint | None = None
    with suppress(RolloutError, UnlikeError):
        if len(lineage.segments) == 1:
            made = describe(reading, settled)
        else:
            made = make_checkpoint(lineage, sidecars)
    if made is not None and 4 * made.context_bytes < 3 * bytes_scanned:
        sidecars.offer(lineage.newest, made.content)


def find_line_end(lineage: Lineage, end_offset: int) -> int:
    """Return the end of the last whole line of the newest rollout before an offset."""
    while end_offset > 0:
        start = max(0, end_offset - _BLOCK_BYTES)
        newline = lineage.newest_source.read_at(start, end_offset - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end_offset = start
    return 0


def describe(reading: Reading, settled: Settled) -> MadeCheckpoint | None:
    """Return the checkpoint that says what a reading found. Its lineage ends at the end of a line.

    Of a lineage of several segments the reading must have been made for this.
    """
    segment = reading.lineage.newest
    older, loaded = reading.older, reading.loaded
    parts = Parts()
    if older is not None and (loaded is None or loaded.items is None):
        known = loaded.parts if loaded is not None else None
        parts = Parts(known if known is not None else older.parts(), older.count)
    add_items(parts, reading, settled.items)
    is_here = reading.stopped_at is not None and reading.stopped_in == segment.rollout_id
    start = reading.stopped_at if is_here and reading.stopped_at is not None else segment.start_offset
    return complete(reading.lineage, describe_beside(reading, settled), parts, start)


def describe_beside(reading: Reading, settled: Settled) -> Checkpoint:
    """Return the checkpoint of a reading but for its items and its anchor, which are left empty."""
    lineage, older = reading.lineage, reading.older
    reference = _reference(reading, settled)
    latest = reading.latest_context
    context = _place(reading, latest) if latest is not None else None
    if context is None and reading.below is not None:
        context = reading.below.latest_context
    world = _world(reading)
    named = [place for place in (reference, context) if place is not None]
    named += world.lines if world is not None else []
    is_counted = reading.checkpoint is None and (reading.stopped_at is None or older is not None)
    known_turns = older.turns if older is not None else 0
    return Checkpoint(
        VERSION,
        [Ended(one.rollout_id, one.end_offset) for one in lineage.segments],
        lineage.max_line_bytes,
        _NO_ITEMS,
        0,
        settled.settings,
        reference,
        settled.is_reference_void,
        world,
        settled.window,
        reading.scan.compaction_count + (older.compactions if older is not None else 0),
        reading.scan.has_unnumbered_compaction or (older is not None and older.has_unnumbered),
        reading.usage.result(reading.below.usage if reading.below is not None else UNKNOWN),
        context,
        reading.turns_started + known_turns if is_counted and known_turns is not None else None,
        last_ordinal(reading),
        digest_of(_read(lineage, place) for place in named),
        "",
        _seal(reading),
        reading.seals.has_met_any or (reading.below is not None and reading.below.is_sealed),
    )


def complete(lineage: Lineage, beside: Checkpoint, parts: Parts, start_offset: int) -> MadeCheckpoint | None:
    """Return a checkpoint with its items and its anchor, read back to `start_offset` of the newest rollout.

    None when a number or a nesting in it cannot be stored.
    """
    segment, end_offset = lineage.newest, beside.offset
    known = parts.result()
    checkpoint = msgspec.structs.replace(
        beside,
        items=Raw(msgspec.json.encode(known)),
        count=parts.count,
        anchor=anchor_of(lineage.newest_source, segment.header.end_offset, end_offset),
    )
    content = encode_checkpoint(checkpoint)
    # Only what was taken over from the log can be nested: positions are not, and there may be many.
    is_nested = checkpoint.world is not None and checkpoint.world.state is not None
    is_nested = is_nested or any(part.inline for part in known)
    if content is None or (is_nested and levels_of(content) > MAX_LEVELS):
        return None
    return MadeCheckpoint(checkpoint, content, parts.size_bytes, end_offset - start_offset)


def _place(reading: Reading, record: Record) -> Place:
    segment = reading.places[id(record)] if reading.places is not None else 0
    return Place(segment, record.start_offset, len(record.stored))


def _read(lineage: Lineage, place: Place) -> bytes:
    return lineage.source(lineage.segments[place.segment]).read_at(place.start_offset, place.size_bytes)


def add_items(parts: Parts, reading: Reading, items: list[HistoryItem]) -> None:
    """Add items of a reading to the parts of a checkpoint, by where they are stored."""
    for item in items:
        record = item.record
        if record is None:
            parts.add_inline(item.read_json())
        elif item.place is None:
            parts.add_line(_place(reading, record), record.stored)
        else:
            parts.add_replaced(_place(reading, record), item.place, record.stored)


def _reference(reading: Reading, settled: Settled) -> Place | None:
    if settled.is_reference_void:
        return None
    if settled.reference is not None:
        return _place(reading, settled.reference)
    is_open = reading.scan.reference is Reference.NEVER
    return reading.older.reference if is_open and reading.older is not None else None


def _world(reading: Reading) -> World | None:
    changes = reading.scan.changes[::-1]
    older = reading.older.world if reading.older is not None else None
    start = 0
    for at, change in enumerate(changes):
        if change is None or change.world.full:
            start, older = at, None
    known = changes[start:]
    if older is None and (not known or known[0] is None or not known[0].world.full):
        return None
    lines = [_place(reading, change.record) for change in known if change is not None]
    if older is not None:
        if not lines:
            return older
        lines = older.lines + lines
    if len(lines) <= _LONGEST_FOLD and (older is None or older.state is None):
        return World(lines)
    base = reading.loaded.named.world if older is not None and reading.loaded is not None else None
    state = fold_world([change.world for change in known if change is not None], base)
    return World(state=state) if state is not None else None


def _seal(reading: Reading) -> str | None:
    newest = reading.newest
    if newest is None or newest.end_offset != reading.lineage.newest.end_offset:
        return None
    seal = find_seal(newest.line, newest.start_offset)
    return f"{seal.covered_from}.{seal.digest}" if seal is not None and seal.digest is not None else None
