"""A checkpoint as stored: what a resume at a position needs, as positions and not as copies.

Pure: values to bytes and back. A digest over its own bytes tells whether it is whole; whether it
is about these files is for `rollout.replay.foundation` to say. Format: docs/format.md, "Checkpoints".
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

import msgspec
from msgspec import Raw, Struct

from rollout.format.decoding import UNDECODABLE
from rollout.format.making import make_decoder
from rollout.format.payloads import Count, TurnSettings
from rollout.log.anchor import digest_text
from rollout.replay.usage import Usage
from rollout.replay.world import Window

CHECKPOINT_EVERY_BYTES: Final = 256 << 10
"""The least that a recorder writes between two checkpoints, unless told otherwise."""

VERSION: Final = 1
_DIGEST_FRONT: Final = b',"digest":"'
_DIGEST_BYTES: Final = 43
_DIGEST_MEMBER_BYTES: Final = len(_DIGEST_FRONT) + _DIGEST_BYTES + len(b'"}')


class Place(Struct, frozen=True, array_like=True):
    """A range of one segment, told by its index in the lineage: one line, or several side by side."""

    segment: Count
    start_offset: Count
    size_bytes: Count

    @property
    def end_offset(self) -> int:
        """The byte behind it."""
        return self.start_offset + self.size_bytes


class Part(Struct, frozen=True, omit_defaults=True):
    """A run of items of the model history, in one of three ways.

    `lines`: a segment's index, then for each range of whole lines the gap before it (the first
    counts from the segment's first byte) and its length. `replaced`: the place of a compaction's
    line, then half-open ranges of indexes into its replacement history. `inline`: the items
    themselves, which no line holds. `digest` is of the bytes of all lines named.
    """

    lines: list[Count] = []
    replaced: list[Count] = []
    inline: list[Raw] = []
    digest: str = ""

    def places(self) -> Iterator[Place]:
        """Yield the ranges of `lines`."""
        numbers = iter(self.lines[1:])
        at = 0
        for gap, size in zip(numbers, numbers, strict=True):
            yield Place(self.lines[0], at + gap, size)
            at += gap + size

    @property
    def compaction(self) -> Place:
        """The place of the line that `replaced` is about."""
        return Place(*self.replaced[:3])

    def indexes(self) -> Iterator[int]:
        """Yield the indexes of `replaced`."""
        numbers = iter(self.replaced[3:])
        for first, end in zip(numbers, numbers, strict=True):
            yield from range(first, end)

    @property
    def count(self) -> int:
        """How many items, where that can be told without its lines; else 0."""
        ranges = self.replaced[3:]
        return sum(ranges[1::2]) - sum(ranges[::2]) if ranges else len(self.inline)

    @property
    def size_bytes(self) -> int:
        """How many bytes a reader takes for it."""
        if self.lines:
            return sum(self.lines[2::2])
        return self.replaced[2] if self.replaced else sum(map(len, self.inline))


class Ended(Struct, frozen=True):
    """A segment below the position: which rollout, and where it ends in the lineage."""

    rollout_id: str
    end_offset: Count


class World(Struct, frozen=True, omit_defaults=True):
    """The state of the world: the lines it is folded from, a full one first, or the state itself."""

    lines: list[Place] = []
    state: Raw | None = None


class Checkpoint(Struct, frozen=True):
    """What the records before a position add up to.

    `segments` are those up to the position, oldest first; the last one ends there. `items` are the
    parts of the model history, as stored, `count` the number of items. `window` is that of the
    newest surviving compaction; where there is none, `compactions` and `has_unnumbered` decide.
    `turns` counts the turns started, None when not all were read. `last_ordinal` is that of the
    last record before the position, if it has one.
    `lines_digest` is of the lines of `reference`, `latest_context` and `world`, one after the other.
    `anchor` ties the position to its bytes; `seal` is that of the last line before it, if it has one.
    `is_sealed`: there may be a seal that covers some of the lines.
    """

    version: int
    segments: list[Ended]
    max_line_bytes: int
    items: Raw
    count: Count
    settings: TurnSettings | None
    reference: Place | None
    is_reference_void: bool
    world: World | None
    window: Window | None
    compactions: Count
    has_unnumbered: bool
    usage: Usage
    latest_context: Place | None
    turns: Count | None
    last_ordinal: Count | None
    lines_digest: str
    anchor: str
    seal: str | None
    is_sealed: bool = True

    @property
    def offset(self) -> int:
        """The position: the byte behind everything it is about."""
        return self.segments[-1].end_offset

    @property
    def place(self) -> int:
        """The index of the segment that the position lies in."""
        return len(self.segments) - 1

    def named_lines(self) -> list[Place]:
        """Return the places that `lines_digest` is about."""
        single = [place for place in (self.reference, self.latest_context) if place is not None]
        return single + (self.world.lines if self.world is not None else [])

    def parts(self) -> list[Part]:
        """Return the parts of the model history: thousands of numbers, which not every resume needs.

        Raise UnlikeError when they are none.
        """
        try:
            parts = _decode_parts(self.items)
        except UNDECODABLE as error:
            raise UnlikeError from error
        if not all(map(_is_sound, parts)):
            raise UnlikeError
        return parts


class UnlikeError(Exception):
    """The files do not hold what the checkpoint says, or it says what none does."""


_decode: Final = make_decoder(Checkpoint).decode
_decode_parts: Final = make_decoder(list[Part]).decode


def encode_checkpoint(checkpoint: Checkpoint) -> bytes | None:
    """Return a checkpoint as compact JSON, its digest last; None when a number in it has no JSON form."""
    try:
        content = msgspec.json.encode(checkpoint)
    except (OverflowError, UnicodeEncodeError, msgspec.MsgspecError):
        return None
    return b'%b%b%b"}' % (content[:-1], _DIGEST_FRONT, _digest(content[:-1]))


def find_checkpoint(content: bytes) -> Checkpoint | None:
    """Return the checkpoint that bytes hold; None when they are not exactly what was encoded."""
    body, member = content[:-_DIGEST_MEMBER_BYTES], content[-_DIGEST_MEMBER_BYTES:]
    if member != b'%b%b"}' % (_DIGEST_FRONT, _digest(body)):
        return None
    try:
        found = _decode(body + b"}")
    except UNDECODABLE:
        return None
    return found if found.version == VERSION and found.segments else None


def _is_sound(part: Part) -> bool:
    kinds = (bool(part.lines), bool(part.replaced), bool(part.inline))
    return sum(kinds) == 1 and len(part.lines) % 2 == (1 if part.lines else 0) and _is_ranged(part.replaced)


def _is_ranged(replaced: list[int]) -> bool:
    ranges = replaced[3:]
    return not replaced or (
        len(ranges) > 0 and len(ranges) % 2 == 0 and all(a <= b for a, b in pairwise(ranges))
    )


class Digest:
    """The digest of bytes that come in pieces."""

    def __init__(self) -> None:
        from blake3 import blake3  # whoever meets no checkpoint does not pay for it

        self._hasher = blake3()

    def add(self, pieces: Iterable[bytes]) -> None:
        """Take some more."""
        self._hasher.update(b"".join(pieces))

    def text(self) -> str:
        """Return the digest of all that was added so far."""
        return digest_text(self._hasher.digest())


def digest_of(pieces: Iterable[bytes]) -> str:
    """Return the digest of bytes, given in pieces."""
    digest = Digest()
    digest.add(pieces)
    return digest.text()


def _digest(body: bytes) -> bytes:
    return digest_of([body]).encode()


class Parts:
    """The parts of a model history in the making, oldest item first.

    Every item comes with the bytes that its part's digest is of: its line. `count` and
    `size_bytes` are of everything added so far.
    """

    def __init__(self, parts: list[Part] | None = None, count: int = 0) -> None:
        self._done = list(parts or ())
        self.count = count
        self._kind = ""
        self._numbers: list[int] = []
        self._items: list[Raw] = []
        self._hashed: list[bytes] = []
        self._digest: Digest | None = None
        self._end = 0
        self.size_bytes = sum(part.size_bytes for part in self._done)

    def result(self) -> list[Part]:
        """Return what has been added so far; more may be added."""
        self.digest()
        digest = self._digest.text() if self._digest is not None else ""
        if self._kind == "lines":
            return [*self._done, Part(lines=self._numbers[:], digest=digest)]
        if self._kind == "replaced":
            return [*self._done, Part(replaced=self._numbers[:], digest=digest)]
        if self._kind == "inline":
            return [*self._done, Part(inline=self._items[:])]
        return self._done[:]

    def digest(self) -> None:
        """Let go of the bytes of lines that were added: only their digest is wanted."""
        if self._hashed:
            self._digest = self._digest or Digest()
            self._digest.add(self._hashed)
            self._hashed = []

    def add_line(self, place: Place, stored: bytes) -> None:
        """Add the item that one line holds."""
        numbers = self._numbers
        is_next = numbers[:1] == [place.segment] and place.start_offset >= self._end
        if self._kind != "lines" or not is_next:
            numbers = self._open("lines", [place.segment])
        if place.start_offset == self._end and len(numbers) > 1:
            numbers[-1] += place.size_bytes
        else:
            numbers += (place.start_offset - self._end, place.size_bytes)
        self._end = place.end_offset
        self._hashed.append(stored)
        self.size_bytes += place.size_bytes
        self.count += 1

    def add_replaced(self, place: Place, index: int, stored: bytes) -> None:
        """Add an item of a compaction's replacement history."""
        front = [place.segment, place.start_offset, place.size_bytes]
        numbers = self._numbers
        if self._kind != "replaced" or numbers[:3] != front or index < numbers[-1]:
            numbers = self._open("replaced", [*front, index, index])
            self._hashed.append(stored)
            self.size_bytes += place.size_bytes
        if numbers[-1] == index:
            numbers[-1] += 1
        else:
            numbers += (index, index + 1)
        self.count += 1

    def add_inline(self, item: Raw) -> None:
        """Add an item that no line holds."""
        if self._kind != "inline":
            self._open("inline", [])
        self._items.append(item)
        self.size_bytes += len(item)
        self.count += 1

    def _open(self, kind: str, numbers: list[int]) -> list[int]:
        self._done = self.result()
        self._kind, self._numbers, self._end = kind, numbers, 0
        self._items, self._digest = [], None
        return numbers
