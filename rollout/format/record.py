"""What one line of a rollout can be: a `Record`, or `Rejected` with the reason.

Values only; `format/codec.py` makes them. Invariant 7: an unknown type or field
is not wrong. A line of unknown type is `Rejected` as no record (it takes no ordinal
and says nothing to replay), but it is no damage, and its bytes stay where they are.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Raw, Struct

ABSENT: Final = Raw(b"")
"""The value of a `Raw` member that the line does not have."""

MAX_COUNT: Final = (1 << 63) - 1
"""The largest ordinal or offset; what the format would still allow above it, no log can reach."""


class Mode(StrEnum):
    """History mode, a property of the file. Format: docs/format.md, "Eras"."""

    LEGACY = "legacy"
    PAGINATED = "paginated"


class Era(StrEnum):
    """The shape of a file's lines. Format: docs/format.md, "Eras"."""

    BARE = "bare"
    FLAT = "flat"
    ENVELOPE = "envelope"


class Reason(StrEnum):
    """Why a line is not a record; `docs/json.md` lists the values."""

    NOT_JSON = "notJson"
    BAD_UTF8 = "badUtf8"
    TOO_LONG = "tooLong"
    TOO_DEEP = "tooDeep"
    BAD_ENVELOPE = "badEnvelope"
    BAD_PAYLOAD = "badPayload"
    UNKNOWN_TYPE = "unknownType"
    OBSOLETE = "obsolete"
    CHECKPOINT = "checkpoint"
    TORN_TAIL = "tornTail"
    CUT_LINE = "cutLine"
    COPIED_HEADER = "copiedHeader"
    ORDINAL = "badOrdinal"
    MISSING_HISTORY = "missingHistory"
    BROKEN_SEAL = "brokenSeal"
    BAD_COMPRESSION = "badCompression"


HARMLESS: Final = frozenset({Reason.UNKNOWN_TYPE, Reason.OBSOLETE, Reason.CHECKPOINT, Reason.TORN_TAIL})
"""Reasons that say nothing bad of the bytes: a newer type, an older shape, positions, a write cut short."""


class Part(Struct, frozen=True, gc=False):
    """One part of a message's content. `text` is set in text parts only."""

    type: str
    text: str | None = None


class Probe(Struct, frozen=True, gc=False):
    """The members of a payload that classification looks at, decoded in the same pass as the line.

    `content` is None where it is no list of parts.
    """

    type: str | None = None
    role: str | None = None
    turn_id: str | None = None
    content: list[Part] | None = None
    output: Raw = ABSENT
    item: Raw = ABSENT


class AnyObject(Struct, frozen=True, gc=False):
    """A JSON object, whatever it holds; the line keeps it."""


class Envelope(Struct, frozen=True, gc=False):
    """A line's envelope, its payload reduced to a probe. Format: docs/format.md, "Lines"."""

    timestamp: str
    type: str
    payload: Probe
    ordinal: Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)] | None = None
    metadata: AnyObject | None = None


class Record(Struct, frozen=True, gc=False):
    """One line that counts.

    `stored` holds its bytes, newline included. `payload` is set only where the line does not
    hold its payload as a member (eras before the envelope).
    """

    start_offset: int
    stored: bytes
    envelope: Envelope
    payload: bytes | None = None

    @property
    def end_offset(self) -> int:
        """The byte behind the line: it lies at `[start_offset, end_offset)` of the decoded file."""
        return self.start_offset + len(self.stored)

    @property
    def is_terminated(self) -> bool:
        """Whether the line ends with a newline; only the last of a file may not."""
        return self.stored.endswith(b"\n")

    @property
    def line(self) -> bytes:
        """The line's bytes without the newline."""
        return self.stored.removesuffix(b"\n")

    @property
    def type(self) -> str:
        """The record type, as stored."""
        return self.envelope.type

    @property
    def kind(self) -> str | None:
        """The payload's own `type`: which event, which item."""
        return self.envelope.payload.type

    @property
    def label(self) -> str | None:
        """What it is: which event, or else which record type. No word names one of each."""
        envelope = self.envelope
        return envelope.payload.type if envelope.type == "event_msg" else envelope.type

    @property
    def ordinal(self) -> int | None:
        """The stored ordinal; None where the line stores none."""
        return self.envelope.ordinal


class Rejected(Struct, frozen=True, gc=False):
    """A span of bytes that is not a record, and why.

    `detail` says expected against found. The span is half-open, newline included.
    """

    start_offset: int
    end_offset: int
    reason: Reason
    detail: str

    @property
    def is_damage(self) -> bool:
        """Whether these bytes contradict the format."""
        return self.reason not in HARMLESS


class Damage(Struct, frozen=True, rename="camel"):
    """A span of one rollout whose bytes are not what they should be, and why.

    Offsets are decoded bytes, half-open.
    """

    rollout_id: str
    path: str
    start_offset: int
    end_offset: int
    reason: Reason
    detail: str

    @property
    def is_damage(self) -> bool:
        """Whether the bytes contradict the format, rather than being cut short or newer than we know."""
        return self.reason not in HARMLESS


Line = Record | Rejected
