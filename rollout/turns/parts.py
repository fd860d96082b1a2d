"""What messages are made of: the nested values of what users send and agents say.

Each struct encodes to exactly the wire object. A member that the reference server
leaves out when it has nothing to say defaults to UNSET; every other one encodes as null.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from rollout.turns.image_detail import ImageDetail
from rollout.turns.unknown import UnknownPart

# What a user sends.


class ByteRange(Struct, frozen=True):
    """Half-open span of UTF-8 bytes in a text part."""

    start: int
    end: int


class TextElement(Struct, frozen=True, rename="camel"):
    """A stretch of text that a client shows as one thing."""

    byte_range: ByteRange
    placeholder: str | None = None


class TextInput(Struct, frozen=True, tag="text", tag_field="type"):
    """Text as typed. `text_elements` is snake case on the wire."""

    text: str
    text_elements: tuple[TextElement, ...] = ()


class ImageInput(Struct, frozen=True, tag="image", tag_field="type", rename="camel"):
    """An image by URL or by file id; exactly one of the two is set."""

    url: str | UnsetType = UNSET
    file_id: str | UnsetType = UNSET
    detail: ImageDetail | None = None


class LocalImageInput(Struct, frozen=True, tag="localImage", tag_field="type"):
    """An image by path, as the client gave it."""

    detail: ImageDetail | None
    path: str


class AudioInput(Struct, frozen=True, tag="audio", tag_field="type", rename="camel"):
    """Sound by URL or by file id; exactly one of the two is set."""

    url: str | UnsetType = UNSET
    file_id: str | UnsetType = UNSET


class LocalAudioInput(Struct, frozen=True, tag="localAudio", tag_field="type"):
    """Sound by path, as the client gave it."""

    path: str


class SkillInput(Struct, frozen=True, tag="skill", tag_field="type"):
    """A skill that the user picked."""

    name: str
    path: str


class MentionInput(Struct, frozen=True, tag="mention", tag_field="type"):
    """Something that the user pointed at."""

    name: str
    path: str


UserInput = (
    TextInput
    | ImageInput
    | LocalImageInput
    | AudioInput
    | LocalAudioInput
    | SkillInput
    | MentionInput
    | UnknownPart
)


class HookFragment(Struct, frozen=True, rename="camel"):
    """What one hook run told the agent."""

    text: str
    hook_run_id: str


# What the agent says.


class CitedPlace(Struct, frozen=True, rename="camel"):
    """Lines of a memory file that a message rests on."""

    path: str
    line_start: int
    line_end: int
    note: str


class MemoryCitation(Struct, frozen=True, rename="camel"):
    """Where a message's knowledge of earlier threads comes from."""

    entries: tuple[CitedPlace, ...]
    thread_ids: tuple[str, ...]


class ModeratedDisplay(Struct, frozen=True, rename="camel"):
    """How a client should show a moderated message."""

    action: str
    block_type: str | None = None
    cyber_trusted_access: bool | None = None
    check_trusted_contacts: bool | None = None


class Moderation(Struct, frozen=True):
    """What moderation made of a message."""

    moderated: bool
    display: ModeratedDisplay | None = None


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """A question that the agent asks without waiting."""

    title: str
    options: tuple[str, ...] | None = None
