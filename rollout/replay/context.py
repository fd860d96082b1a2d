"""Resume: newest checkpoint plus suffix to what the model is given, or the full replay.

The bounded read stops at the point where it can prove that nothing older matters; both
paths feed the same scan, so they cannot disagree. Format: docs/format.md, "Bounded read".
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec
from msgspec import Raw, Struct

from rollout.format.decoding import decode_payload, payload_of, require_payload
from rollout.format.payloads import Compacted, TurnContext, TurnSettings
from rollout.format.record import Damage, Record
from rollout.replay.foundation import Sidecars
from rollout.replay.history import HistoryItem, base_items, replay
from rollout.replay.lineage import Lineage
from rollout.replay.model_history import ModelHistory, OlderItems
from rollout.replay.reading import Reading, ReadPath
from rollout.replay.scan import Reference
from rollout.replay.sealed import refuse_broken
from rollout.replay.usage import UNKNOWN, Usage
from rollout.replay.world import Window, first_window, fold_world, window_of

OFFERED_FROM_BYTES: Final = 1 << 20
"""So much is read once; then a checkpoint beside the log spares it the next time.

Making one adds a fifth to the resume that does, and the next one takes a twentieth of it.
"""
OFFERED_TO_FORKS_FROM_BYTES: Final = 8 << 20
"""The same for a history of several rollouts, which is read once more to make one."""


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

    `history` is what the model is given, read when it is asked for. `next_ordinal` is None for a
    legacy thread, and for one that cannot be continued; `not_resumable` then says why.
    `latest_context` is the newest turn context of all, rolled back or not: it names the thread's
    model. `served` is how this was read; `read` counts what was read for the history since, too.
    """

    history: ModelHistory
    previous_turn_settings: TurnSettings | None
    reference_context: Raw | None
    world_state: Raw | None
    window: Window
    usage: Usage
    served: ReadStats
    damage: list[Damage]
    next_ordinal: int | None
    not_resumable: str | None
    latest_context: TurnContext | None

    @property
    def read(self) -> ReadStats:
        """How it was read, and how much so far."""
        bytes_read = self.served.bytes_read + self.history.bytes_read
        return msgspec.structs.replace(self.served, bytes_read=bytes_read)

    @property
    def item_count(self) -> int:
        """The number of items, known without reading them."""
        return self.history.count

    @property
    def items(self) -> list[HistoryItem]:
        """The model history, oldest first. Raise DamagedLog as `input_json` does."""
        return self.history.items()

    def input_json(self) -> bytes:
        """Return the JSON array to send to a model, spliced from stored bytes.

        Items of a log without seals may be read only now, also when the thread was closed long ago.
        Raise DamagedLog when its file was taken away, replaced or cut meanwhile.
        """
        return self.history.input_json()


class Settled(Struct, frozen=True):
    """What a reading adds up to, its places still known.

    Items are without those of the checkpoint below where that was not loaded.
    """

    items: list[HistoryItem]
    is_reference_void: bool
    reference: Record | None
    settings: TurnSettings | None
    window: Window | None


def settle(reading: Reading) -> Settled:
    """Fold a reading that has been run. Once only: it finishes the reading's scan."""
    scan, checkpoint, base, older = reading.scan, reading.checkpoint, reading.base, reading.older
    scan.finish(drops_open_settings=checkpoint is not None and checkpoint.resume_metadata is not None)
    kept = scan.kept
    if base is None and scan.base is not None:
        base = scan.base
        kept = scan.kept[: scan.base_index]
    items = (reading.loaded.items if reading.loaded is not None else None) or []
    if base is not None:
        compacted = checkpoint if base is reading.base else None
        items = base_items(base, compacted or require_payload(base, Compacted))
    replayed = replay(items, reversed(kept))
    settings = scan.settings
    if settings is None and checkpoint is not None and checkpoint.resume_metadata is not None:
        settings = checkpoint.resume_metadata.previous_turn_settings
    window = scan.window or (window_of(checkpoint) if checkpoint is not None else None)
    return Settled(
        replayed.items,
        replayed.is_reference_void or (older is not None and older.is_reference_void),
        scan.reference if isinstance(scan.reference, Record) else None,
        settings if settings is not None or older is None else older.settings,
        window if window is not None or older is None else older.window,
    )


def read_context(
    lineage: Lineage, *, reads_everything: bool = False, sidecars: Sidecars | None = None
) -> Context:
    """Return what continuing the thread needs.

    Reads backward and stops where it can prove its answer; `reads_everything` reads every
    byte all the same (the answer is equal, and all damage is found). The seals of what was read
    have been verified: see `damage`. Raise StorageFailed if the OS cannot read. Format:
    docs/format.md, "Bounded read" and "Seals".
    """
    reading = Reading(lineage, reads_everything=reads_everything, sidecars=sidecars)
    reading.run()
    settled = settle(reading)
    loaded = reading.loaded if reading.older is not None else None
    below = loaded.named if loaded is not None else None
    reference = payload_of(settled.reference) if settled.reference is not None else None
    if reading.scan.reference is Reference.NEVER and below is not None:
        reference = below.reference
    next_ordinal, not_resumable = _continuation(reading)
    if sidecars is not None and _was_long(reading) and not reads_everything:
        from rollout.replay.positions import offer_checkpoint  # most readings have none to offer

        offer_checkpoint(reading, settled, sidecars)
    return Context(
        history=_history(reading, settled, sidecars),
        previous_turn_settings=settled.settings,
        reference_context=None if settled.is_reference_void else reference,
        world_state=fold_world(
            [change.world if change is not None else None for change in reversed(reading.scan.changes)],
            below.world if below is not None else None,
        ),
        window=_window(reading, settled),
        usage=reading.usage.result(reading.below.usage if reading.below is not None else UNKNOWN),
        served=_stats(reading, reads_everything=reads_everything),
        damage=reading.damage[::-1] + reading.broken,
        next_ordinal=next_ordinal,
        not_resumable=not_resumable,
        latest_context=_latest_context(reading),
    )


def _was_long(reading: Reading) -> bool:
    is_alone = len(reading.lineage.segments) == 1
    return reading.bytes_scanned > (OFFERED_FROM_BYTES if is_alone else OFFERED_TO_FORKS_FROM_BYTES)


def _history(reading: Reading, settled: Settled, sidecars: Sidecars | None) -> ModelHistory:
    loaded = reading.loaded
    if reading.older is None or loaded is None or loaded.items is not None:
        return ModelHistory(settled.items)
    older = OlderItems(reading.lineage, reading.older, loaded.verified, partial(_replay_all, sidecars))
    return ModelHistory(settled.items, older)


def _replay_all(sidecars: Sidecars | None, lineage: Lineage) -> list[HistoryItem]:
    """Return the history as its files hold it now, all of it read: a checkpoint was not about them."""
    reading = Reading(lineage, reads_everything=True)
    reading.run()
    refuse_broken(lineage.thread_id, reading.broken)
    settled = settle(reading)
    if sidecars is not None and _was_long(reading):
        from rollout.replay.positions import offer_checkpoint

        offer_checkpoint(reading, settled, sidecars)
    return settled.items


def _latest_context(reading: Reading) -> TurnContext | None:
    if reading.latest_context is not None:
        return decode_payload(reading.latest_context, TurnContext)
    return reading.loaded.named.latest_context if reading.loaded is not None else None


def _window(reading: Reading, settled: Settled) -> Window:
    if settled.window is not None:
        return settled.window
    scan, older = reading.scan, reading.older
    first = reading.lineage.newest.header.meta.context_window
    has_unnumbered = scan.has_unnumbered_compaction or (older is not None and older.has_unnumbered)
    if first is not None and first.window_id is not None and not has_unnumbered:
        return first_window(first.window_id)
    return Window(scan.compaction_count + (older.compactions if older is not None else 0))


def last_ordinal(reading: Reading) -> int | None:
    """Return the ordinal of the newest record of the newest rollout, if it has one."""
    segment, below = reading.lineage.newest, reading.below
    if reading.newest is not None:
        return reading.newest.ordinal
    if below is not None and below.place == len(reading.lineage.segments) - 1:
        return below.last_ordinal
    return segment.header.ordinal


def _continuation(reading: Reading) -> tuple[int | None, str | None]:
    """Return the next ordinal, and why the thread cannot be continued if it cannot."""
    segment = reading.lineage.newest
    if not segment.header.is_first:
        return None, "the file does not start with its session metadata"
    if not segment.is_paginated:
        return None, None
    last = last_ordinal(reading)
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
        reading.lineage.bytes_read + reading.bytes_beside,
        reading.lineage.bytes_total,
        reading.records,
        reading.segments,
    )
