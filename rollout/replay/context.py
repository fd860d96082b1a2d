"""Resume: newest checkpoint plus suffix to what the model is given, or the full replay.

The bounded read stops at the point where it can prove that nothing older matters; both
paths feed the same scan, so they cannot disagree. Format: docs/format.md, "Bounded read".
"""

from __future__ import annotations

from msgspec import Raw, Struct

from rollout.format.decoding import decode_payload
from rollout.format.payloads import Compacted, TurnContext, TurnSettings
from rollout.format.record import Damage, Record
from rollout.replay.history import HistoryItem, base_items, replay
from rollout.replay.lineage import Lineage
from rollout.replay.reading import Reading, ReadPath
from rollout.replay.scan import BackwardScan, Reference
from rollout.replay.usage import Usage
from rollout.replay.world import Window, first_window, fold_world, window_of


class ReadStats(Struct, frozen=True, rename="camel"):
    """How a resume was served: which path, why, and how much it read."""

    path: ReadPath
    reason: str
    bytes_read: int
    bytes_total: int
    records: int
    segments: int


class Context(Struct, frozen=True):
    """Everything that continuing a thread needs.

    `items` is the model history, oldest first. `next_ordinal` is None for a legacy thread, and
    for one that cannot be continued; `not_resumable` then says why. `latest_context` is the
    newest turn context of all, rolled back or not: it names the thread's model.
    """

    items: list[HistoryItem]
    previous_turn_settings: TurnSettings | None
    reference_context: Raw | None
    world_state: Raw | None
    window: Window
    usage: Usage
    read: ReadStats
    damage: list[Damage]
    next_ordinal: int | None
    not_resumable: str | None
    latest_context: TurnContext | None

    def input_json(self) -> bytes:
        """Return the JSON array to send to a model, spliced from stored bytes."""
        pieces: list[bytes] = [b"["]
        for item in self.items:
            pieces += (item.read_json(), b",")
        pieces[-1:] = [b"]"] if self.items else [b"[", b"]"]
        return b"".join(pieces)


def read_context(lineage: Lineage, *, reads_everything: bool = False) -> Context:
    """Return what continuing the thread needs.

    Reads backward and stops where it can prove its answer; `reads_everything` reads every
    byte all the same (the answer is equal, and all damage is found). The seals of what was read
    have been verified: see `damage`. Raise StorageFailed if the OS cannot read. Format:
    docs/format.md, "Bounded read" and "Seals".
    """
    reading = Reading(lineage, reads_everything=reads_everything)
    reading.run()
    broken = reading.seals.find_broken()
    scan, checkpoint = reading.scan, reading.checkpoint
    scan.finish(drops_open_settings=checkpoint is not None and checkpoint.resume_metadata is not None)
    base: Compacted | None = checkpoint
    kept = scan.kept
    if checkpoint is None and scan.base is not None:
        base = decode_payload(scan.base, Compacted)
        kept = scan.kept[: scan.base_index]
    replayed = replay(base_items(base) if base is not None else [], reversed(kept))
    settings = scan.settings
    if settings is None and checkpoint is not None and checkpoint.resume_metadata is not None:
        settings = checkpoint.resume_metadata.previous_turn_settings
    is_void = replayed.is_reference_void or isinstance(scan.reference, Reference)
    next_ordinal, not_resumable = _continuation(lineage, reading.newest)
    latest = reading.latest_context
    return Context(
        items=replayed.items,
        previous_turn_settings=settings,
        reference_context=None if is_void or isinstance(scan.reference, Reference) else scan.reference,
        world_state=fold_world(scan.changes[::-1]),
        window=_window(lineage, scan, checkpoint),
        usage=reading.usage.result(),
        read=_stats(reading, reads_everything=reads_everything),
        damage=reading.damage[::-1] + broken,
        next_ordinal=next_ordinal,
        not_resumable=not_resumable,
        latest_context=decode_payload(latest, TurnContext) if latest is not None else None,
    )


def _window(lineage: Lineage, scan: BackwardScan, checkpoint: Compacted | None) -> Window:
    surviving = scan.window or (window_of(checkpoint) if checkpoint is not None else None)
    if surviving is not None:
        return surviving
    first = lineage.newest.header.meta.context_window
    if first is not None and first.window_id is not None and not scan.has_unnumbered_compaction:
        return first_window(first.window_id)
    return Window(scan.compaction_count)


def _continuation(lineage: Lineage, newest: Record | None) -> tuple[int | None, str | None]:
    """Return the next ordinal, and why the thread cannot be continued if it cannot."""
    segment = lineage.newest
    if not segment.header.is_first:
        return None, "the file does not start with its session metadata"
    if not segment.is_paginated:
        return None, None
    last = newest.ordinal if newest is not None else segment.header.ordinal
    if last is None:
        return None, "the last record is missing an ordinal"
    return last + 1, None


def _stats(reading: Reading, *, reads_everything: bool) -> ReadStats:
    reason = reading.reason or "the history has no compaction"
    if reads_everything:
        reason = "a full replay was asked for"
    return ReadStats(
        reading.path,
        reason,
        reading.lineage.bytes_read,
        reading.lineage.bytes_total,
        reading.records,
        reading.segments,
    )
