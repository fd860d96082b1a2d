"""One open thread: its summary, its context, its turns and items.

Holds the newest file of the lineage open; what is appended after the opening is not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from msgspec import Struct

from rollout.format.record import Damage, Mode
from rollout.ids import RolloutId, ThreadId
from rollout.log.layout import RolloutFile
from rollout.replay.checkpoint import CHECKPOINT_EVERY_BYTES
from rollout.replay.context import Context, read_context
from rollout.replay.foundation import Sidecars
from rollout.replay.lineage import Lineage
from rollout.replay.sealed import SealWatch, find_broken_seals, refuse_broken
from rollout.store.summary import ThreadSummary, read_summary
from rollout.turns.paging import DEFAULT_LIMIT, ItemsView, Page, PageRequest, SortDirection

if TYPE_CHECKING:
    from rollout.store.cataloged import Cataloged
    from rollout.store.cataloged_turns import IndexedTurns
    from rollout.store.lineage_check import LineageCheck
    from rollout.store.projecting import TurnReading
    from rollout.store.recorder import Recorder
    from rollout.turns.model import Turn, TurnItem


_HELD_BYTES: Final = 256 << 20
"""What one open thread reads before its pages begin anew, so that it does not hold all of a long log."""


class SegmentSummary(Struct, frozen=True, rename="camel"):
    """A stretch of one rollout in decoded bytes, half-open. `end_ordinal` is set where a fork left it."""

    rollout_id: RolloutId
    path: str
    history_mode: Mode
    start_offset: int
    end_offset: int
    end_ordinal: int | None


class Thread:
    """A thread as it was when it was opened. A context manager; not to be shared between threads."""

    def __init__(
        self,
        lineage: Lineage,
        tell: Callable[[ThreadSummary], ThreadSummary],
        open_recorder: Callable[[ThreadId, str, int | None], Recorder],
        sidecars: Sidecars | None = None,
        catalog: Callable[[], Cataloged] | None = None,
    ) -> None:
        self._lineage = lineage
        self._tell = tell
        self._open_recorder = open_recorder
        self._sidecars = sidecars
        self._catalog = catalog
        self._reading: TurnReading | None = None

    @property
    def id(self) -> ThreadId:
        """The id that the header carries."""
        return self._lineage.thread_id

    @property
    def lineage(self) -> Lineage:
        """The segments it reads, for packages that stand on the store. Closed with the thread."""
        return self._lineage

    def summary(self) -> ThreadSummary:
        """Return what a listing says of the thread. Reads both ends of its history."""
        return self._tell(read_summary(self._lineage))

    def segments(self) -> list[SegmentSummary]:
        """Return the parts of rollouts that make up its history, oldest first."""
        return [
            SegmentSummary(
                segment.rollout_id,
                segment.file.path,
                segment.header.mode,
                segment.start_offset,
                segment.end_offset,
                segment.end_ordinal,
            )
            for segment in self._lineage.segments
        ]

    def files(self) -> list[RolloutFile]:
        """Return the files that its history lies in, oldest first."""
        return [segment.file for segment in self._lineage.segments]

    def broken_seals(self) -> list[Damage]:
        """Return what the seals of the whole history prove altered, oldest first."""
        return find_broken_seals(self._lineage)

    def check_lineage(self) -> LineageCheck:
        """Read every segment up to where it is left, and say what is wrong, and what nothing vouches for."""
        from rollout.store.lineage_check import check_lineage

        return check_lineage(self._lineage)

    def context(self, *, full_replay: bool = False, allow_damage: bool = False) -> Context:
        """Return what continuing the thread needs, read backward to the newest checkpoint.

        `full_replay` reads every byte all the same; the answer is equal. Raise DamagedLog when
        what was read is not what was sealed; with `allow_damage` the context says so instead.
        Format: docs/format.md, "Bounded read" and "Seals".
        """
        context = read_context(self._lineage, reads_everything=full_replay, sidecars=self._sidecars)
        if not allow_damage:
            refuse_broken(self.id, context.damage)
        return context

    def all_turns(self, *, view: ItemsView = ItemsView.FULL, allow_damage: bool = False) -> list[Turn]:
        """Return every turn, oldest first. Reads the whole history.

        Raise DamagedLog on a broken seal, unless `allow_damage`: see `broken_seals`.
        """
        from rollout.store.turn_pages import read_turns

        return read_turns(self._lineage, view, allow_damage=allow_damage)

    def turns(
        self,
        *,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
        direction: SortDirection = SortDirection.DESC,
        view: ItemsView = ItemsView.SUMMARY,
        allow_damage: bool = False,
    ) -> Page[Turn]:
        """Return one page of 1-100 turns.

        Raise InvalidCursor; DamagedLog on a broken seal, which with `allow_damage` is in the
        page's `damage` instead.
        """
        from rollout.store.turn_pages import read_turn_page

        request = PageRequest(limit, cursor, direction)
        return read_turn_page(
            self._lineage,
            request,
            view,
            allow_damage=allow_damage,
            reading=self._turn_reading(),
            find_indexed=self._find_indexed if self._catalog is not None else None,
        )

    def _find_indexed(
        self, seals: SealWatch, anchor: int | None, size: int, is_descending: bool
    ) -> IndexedTurns | None:
        """Return a page's turns from where the catalog says that they lie; None where it does not tell."""
        catalog = self._catalog() if self._catalog is not None else None
        if catalog is None or catalog.find() is None:
            return None
        from rollout.store.cataloged_turns import find_turns

        return find_turns(catalog, self._lineage, seals, anchor, size, is_descending=is_descending)

    def items(
        self,
        *,
        turn_id: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
        direction: SortDirection = SortDirection.ASC,
        allow_damage: bool = False,
    ) -> Page[TurnItem]:
        """Return one page of 1-100 items, of the thread or of one turn.

        Raise InvalidCursor, NotFound; DamagedLog on a broken seal, as `turns` does.
        """
        from rollout.store.turn_pages import read_item_page

        request = PageRequest(limit, cursor, direction)
        return read_item_page(
            self._lineage, request, turn_id, allow_damage=allow_damage, reading=self._turn_reading()
        )

    def _turn_reading(self) -> TurnReading:
        """Return the reading that pages go on with, unless it would hold too much."""
        from rollout.store.projecting import TurnReading

        known = self._reading
        if known is None or known.is_broken_off or self._lineage.bytes_read > _HELD_BYTES:
            self._reading = TurnReading(self._lineage)
            return self._reading
        return known

    def record(
        self, *, durability: str = "turn", checkpoint_every_bytes: int | None = CHECKPOINT_EVERY_BYTES
    ) -> Recorder:
        """Return the thread's recorder, which holds its lease until closed.

        `durability`: "turn" makes a turn durable when it ends, "record" every record when it is
        appended, "none" nothing. `checkpoint_every_bytes` is the least that is written between two
        checkpoints, None for none but those asked for. Raise LeaseHeld, Conflict, UnsupportedFormat
        or DamagedLog when the thread may not be appended to. This object goes on showing the thread
        as it was.
        """
        return self._open_recorder(self.id, durability, checkpoint_every_bytes)

    def close(self) -> None:
        """Close its files. Idempotent."""
        self._lineage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
