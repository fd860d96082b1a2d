"""What tool calls are made of: the nested values of commands, patches, calls and images.

Each struct encodes to exactly the wire object; `omit_defaults` marks those from which
the reference server leaves null members out. Arbitrary JSON is carried verbatim.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw, Struct

from rollout.turns import words
from rollout.turns.image_detail import ImageDetail
from rollout.turns.unknown import UnknownPart

NULL: Final = Raw(b"null")
"""The JSON null, for arbitrary members that a record leaves out."""

# Commands and patches.


class ReadAction(Struct, frozen=True, tag="read", tag_field="type"):
    """A command that reads a file; `path` is absolute."""

    command: str
    name: str
    path: str


class ListFilesAction(Struct, frozen=True, tag="listFiles", tag_field="type"):
    """A command that lists files; `path` as it was typed."""

    command: str
    path: str | None


class SearchAction(Struct, frozen=True, tag="search", tag_field="type"):
    """A command that searches text; `path` as it was typed."""

    command: str
    query: str | None
    path: str | None


class UnknownAction(Struct, frozen=True, tag="unknown", tag_field="type"):
    """A command of any other kind."""

    command: str


CommandAction = ReadAction | ListFilesAction | SearchAction | UnknownAction | UnknownPart


class AddedFile(Struct, frozen=True, tag="add", tag_field="type"):
    """The patch made the file."""


class DeletedFile(Struct, frozen=True, tag="delete", tag_field="type"):
    """The patch removed the file."""


class UpdatedFile(Struct, frozen=True, tag="update", tag_field="type"):
    """The patch changed the file, and moved it when `move_path` is set (snake case on the wire)."""

    move_path: str | None = None


class FileUpdate(Struct, frozen=True):
    """One file of a patch. `diff` is the whole content of an added or deleted file."""

    path: str
    kind: AddedFile | DeletedFile | UpdatedFile | UnknownPart
    diff: str


# Tools.


class McpResult(Struct, frozen=True, rename="camel"):
    """What an MCP tool answered, verbatim."""

    content: tuple[Raw, ...]
    structured_content: Raw = NULL
    meta: Raw = msgspec.field(name="_meta", default=NULL)


class McpFailure(Struct, frozen=True):
    """Why an MCP tool gave no answer."""

    message: str


class AppContext(Struct, frozen=True, rename="camel"):
    """The app behind an MCP call."""

    connector_id: str
    link_id: str | None = None
    resource_uri: str | None = None
    app_name: str | None = None
    action_name: str | None = None


class McpAppUi(Struct, frozen=True, rename="camel"):
    """The page of an MCP app that belongs to a call."""

    resource_uri: str
    preferred_model_display_mode: words.DisplayMode


class ToolText(Struct, frozen=True, tag="inputText", tag_field="type"):
    """Text from a dynamic tool."""

    text: str


class ToolImage(Struct, frozen=True, tag="inputImage", tag_field="type", rename="camel"):
    """An image from a dynamic tool."""

    image_url: str


class ToolAudio(Struct, frozen=True, tag="inputAudio", tag_field="type", rename="camel"):
    """Sound from a dynamic tool."""

    audio_url: str


ToolContent = ToolText | ToolImage | ToolAudio | UnknownPart


class OutputText(Struct, frozen=True, tag="input_text", tag_field="type"):
    """Text in a function's output. These four are snake case on the wire."""

    text: str


class OutputImage(Struct, frozen=True, tag="input_image", tag_field="type", omit_defaults=True):
    """An image in a function's output: by URL or by file id."""

    image_url: str | None = None
    file_id: str | None = None
    detail: ImageDetail | None = None


class OutputAudio(Struct, frozen=True, tag="input_audio", tag_field="type", omit_defaults=True):
    """Sound in a function's output: by URL or by file id."""

    audio_url: str | None = None
    file_id: str | None = None


class OutputSealed(Struct, frozen=True, tag="encrypted_content", tag_field="type"):
    """Output that only the provider can read."""

    encrypted_content: str


OutputPart = OutputText | OutputImage | OutputAudio | OutputSealed | UnknownPart


class AgentState(Struct, frozen=True):
    """What became of another agent, with its last words if it left any."""

    status: words.AgentStatus
    message: str | None = None


class SearchedWeb(Struct, frozen=True, tag="search", tag_field="type"):
    """A web search."""

    query: str | None = None
    queries: tuple[str, ...] | None = None


class OpenedPage(Struct, frozen=True, tag="openPage", tag_field="type"):
    """A page that was opened."""

    url: str | None = None


class FoundInPage(Struct, frozen=True, tag="findInPage", tag_field="type"):
    """A search inside a page."""

    url: str | None = None
    pattern: str | None = None


class OtherWebAction(Struct, frozen=True, tag="other", tag_field="type"):
    """Any other use of the web."""


WebAction = SearchedWeb | OpenedPage | FoundInPage | OtherWebAction | UnknownPart


class UsageLimitFailure(Struct, frozen=True, tag="usageLimitExceeded", tag_field="type", rename="camel"):
    """An image that was not made because a limit was reached. `resets_at` in seconds."""

    limit_id: str
    resets_at: int | None = None


class SourceImage(Struct, frozen=True):
    """An image that another one was made from; `path` is absolute."""

    path: str
    sha256: str
