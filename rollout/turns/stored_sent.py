"""Stored shapes of what a user sent: the one item that titles and listings look into.

Apart from the shapes of all other items, which take longer to import and to make decoders of than
one of these to read. Format: docs/format.md, "Items".
"""

from typing import Annotated

import msgspec
from msgspec import Raw, Struct

from rollout.format.decoding import decode_json
from rollout.turns.image_detail import ImageDetail

Count = Annotated[int, msgspec.Meta(ge=0)]


class StoredSpan(Struct, frozen=True):
    """`byte_range` of a text element."""

    start: Count
    end: Count


class StoredTextElement(Struct, frozen=True):
    """One of `text_elements`."""

    byte_range: StoredSpan
    placeholder: str | None = None


class StoredText(Struct, frozen=True, tag="text", tag_field="type"):
    """Text part of a user message."""

    text: str
    text_elements: tuple[StoredTextElement, ...] = ()


class StoredImage(Struct, frozen=True, tag="image", tag_field="type"):
    """Image part; the URL wins over the file id."""

    image_url: str | None = None
    file_id: str | None = None
    detail: ImageDetail | None = None


class StoredLocalImage(Struct, frozen=True, tag="local_image", tag_field="type"):
    """Image part by path."""

    path: str
    detail: ImageDetail | None = None


class StoredAudio(Struct, frozen=True, tag="audio", tag_field="type"):
    """Sound part; the URL wins over the file id."""

    audio_url: str | None = None
    file_id: str | None = None


class StoredLocalAudio(Struct, frozen=True, tag="local_audio", tag_field="type"):
    """Sound part by path."""

    path: str


class StoredSkill(Struct, frozen=True, tag="skill", tag_field="type"):
    """A skill that the user picked."""

    name: str
    path: str


class StoredMention(Struct, frozen=True, tag="mention", tag_field="type"):
    """Something that the user pointed at."""

    name: str
    path: str


StoredInput = (
    StoredText | StoredImage | StoredLocalImage | StoredAudio | StoredLocalAudio | StoredSkill | StoredMention
)


class StoredUserMessage(Struct, frozen=True, tag="UserMessage", tag_field="type"):
    """What the user sent."""

    id: str
    content: tuple[StoredInput, ...]
    client_id: str | None = None


class _Kind(Struct, frozen=True):
    type: str


def find_sent(item: Raw) -> StoredUserMessage | None:
    """Return a stored item if it is what a user sent, and clients see it; else None."""
    kind = decode_json(item, _Kind)
    if kind is None or kind.type != StoredUserMessage.__struct_config__.tag:
        return None
    sent = decode_json(item, StoredUserMessage)
    return sent if sent is not None and is_public(sent) else None


def is_public(sent: StoredUserMessage) -> bool:
    """Tell whether clients see it: not where a picture or a sound has neither URL nor file id."""
    return all(map(_has_source, sent.content))


def _has_source(part: StoredInput) -> bool:
    match part:
        case StoredImage(image_url=None) | StoredAudio(audio_url=None):
            return bool(part.file_id)
        case _:
            return True
