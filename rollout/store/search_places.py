"""What a hit of a search says, and which turn and item say it: read from its rollout.

A hit that the log does not bear out is none: its rollout is gone, or what it says is no longer part of the
thread, as before a point that the thread was taken back to.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from msgspec import Struct

from rollout.catalog.search_index import MessagePlace
from rollout.catalog.search_rows import Hit
from rollout.catalog.search_said import Role, Said, find_said
from rollout.errors import RolloutError
from rollout.format import vocabulary
from rollout.format.codec import decode_pieces
from rollout.format.decoding import decode_json, decode_payload
from rollout.format.record import Era, Mode, Record
from rollout.ids import ThreadId
from rollout.log.header import Header, read_header
from rollout.log.lines import Span, iter_lines
from rollout.log.source import Source, open_source
from rollout.turns.items import AgentMessage, UserMessage
from rollout.turns.legacy import LegacyTurns
from rollout.turns.paging import ItemsView

if TYPE_CHECKING:
    from rollout.fs.api import FileSystem
    from rollout.store.opening import Opener

_FIRST_READ_BYTES: Final = 8 << 10
_MOST_HELD: Final = 64
_SPEAKERS: Final = (UserMessage, AgentMessage)


class Address(Struct, frozen=True):
    """The turn and the item that a hit belongs to; None where there is none to jump to."""

    turn_id: str | None = None
    item_id: str | None = None


class _Opened(Struct, frozen=True):
    source: Source
    header: Header


class _Named(Struct, frozen=True):
    id: str | None = None
    call_id: str | None = None


class HitReader:
    """Reads hits of one page. Holds the rollouts open that it has met lately; a context manager."""

    def __init__(self, fs: FileSystem, opener: Opener, max_line_bytes: int) -> None:
        self._fs = fs
        self._opener = opener
        self._max_line_bytes = max_line_bytes
        self._opened: dict[str, _Opened] = {}
        self._reach: dict[str, dict[str, int]] = {}

    def find_said(self, hit: Hit, place: MessagePlace | None, thread_id: str) -> Said | None:
        """Return what a hit says, or None when it is not there, or not part of the thread."""
        if hit.title is not None:
            return Said(Role.TITLE, hit.title)
        try:
            record = self._find_record(hit, place)
            if record is None or not self._is_reached(hit, record.start_offset, thread_id):
                return None
            return find_said(self._open(hit.path or "").header, record)
        except RolloutError:
            return None  # what cannot be read says nothing; `check` tells why

    def address_of(self, hit: Hit, place: MessagePlace | None) -> Address:
        """Return the turn and the item of a hit that was found to say something."""
        try:
            record = self._find_record(hit, place)
            if record is None or hit.path is None:
                return Address()
            opened = self._open(hit.path)
            if opened.header.mode is Mode.PAGINATED:
                return _address_of_item(record)
            return self._legacy_address(opened, record)
        except RolloutError:
            return Address()

    def _is_reached(self, hit: Hit, start_offset: int, thread_id: str) -> bool:
        """Tell whether the thread's history still reaches to where a hit stands."""
        reach = self._reach.get(thread_id)
        if reach is None:
            with self._opener.open_thread(ThreadId(thread_id)) as lineage:
                reach = {segment.file.path: segment.end_offset for segment in lineage.segments}
            self._reach[thread_id] = reach
        return start_offset < reach.get(hit.path or "", 0)

    def _open(self, path: str) -> _Opened:
        opened = self._opened.get(path)
        if opened is None:
            if len(self._opened) >= _MOST_HELD:
                self._opened.pop(next(iter(self._opened))).source.close()
            source = open_source(self._fs, path)
            try:
                opened = _Opened(source, read_header(source, self._max_line_bytes))
            except BaseException:
                source.close()
                raise
            self._opened[path] = opened
        return opened

    def _find_record(self, hit: Hit, place: MessagePlace | None) -> Record | None:
        if hit.path is None or place is None:
            return None
        opened = self._open(hit.path)
        start, size = place.start_offset, _FIRST_READ_BYTES
        while True:
            stored = opened.source.read_at(start, size)
            end = stored.find(b"\n") + 1
            if end or len(stored) < size or size > self._max_line_bytes:
                break
            size *= 8
        lines = decode_pieces([stored[:end]], [start], opened.header.era) if end else []
        return lines[0] if lines and isinstance(lines[0], Record) else None

    def _legacy_address(self, opened: _Opened, wanted: Record) -> Address:
        """Return where a record stands by folding its rollout: legacy turns and items are counted."""
        source, header = opened.source, opened.header
        fold = LegacyTurns(reads_bare_items=header.era is Era.BARE)
        found = Address()
        for batch in iter_lines(source, Span(0, source.size_bytes, max_line_bytes=self._max_line_bytes)):
            for line in batch:
                if isinstance(line, Record):
                    fold.feed(line)
                    if line.start_offset == wanted.start_offset:
                        found = _newest_address(fold, wanted)
        turns = {turn.id for turn in fold.result(ItemsView.NOT_LOADED)}
        return found if found.turn_id in turns else Address()

    def close(self) -> None:
        """Close what is open. Idempotent."""
        while self._opened:
            self._opened.popitem()[1].source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _address_of_item(record: Record) -> Address:
    named = decode_json(record.envelope.payload.item, _Named)
    return Address(record.envelope.payload.turn_id, named.id if named is not None else None)


def _newest_address(fold: LegacyTurns, fed: Record) -> Address:
    """Return the turn and the item that the record fed last went to."""
    if fed.label == vocabulary.ITEM_COMPLETED:
        return _address_of_item(fed)
    turns = fold.result(ItemsView.FULL)
    if not turns:
        return Address()
    turn = turns[-1]
    last = turn.items[-1] if turn.items else None
    if last is None:
        return Address(turn.id)
    if fed.label in {vocabulary.USER_MESSAGE, vocabulary.AGENT_MESSAGE, vocabulary.RESPONSE_ITEM}:
        return Address(turn.id, last.id if isinstance(last, _SPEAKERS) else None)
    named = decode_payload(fed, _Named)
    is_its = named is not None and named.call_id == last.id
    return Address(turn.id, last.id if is_its else None)
