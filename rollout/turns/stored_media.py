"""Stored shapes of web searches and images, and of the extensions that came after them.

An `Extension` says its kind in a second tag, and its members are camel case already.
Kinds other than the three below are skipped. Format: docs/format.md, "Items".
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct

from rollout.turns import items, paths, tool_parts
from rollout.turns.stored_tools import Count


class StoredWebAction(Struct, frozen=True):
    """What a search did. Kinds are open: an unknown one is shown as `other`."""

    type: str
    query: str | None = None
    queries: tuple[str, ...] | None = None
    url: str | None = None
    pattern: str | None = None


class StoredWebSearch(Struct, frozen=True, tag="WebSearch", tag_field="type"):
    """A use of the web."""

    id: str
    query: str
    action: StoredWebAction
    results: tuple[Raw, ...] | None = None


class StoredImageView(Struct, frozen=True, tag="ImageView", tag_field="type"):
    """An image that the agent looked at. `path` is a file URI."""

    id: str
    path: str


class StoredImageGeneration(Struct, frozen=True, tag="ImageGeneration", tag_field="type"):
    """An image that was made."""

    id: str
    status: str
    result: str
    revised_prompt: str | None = None
    saved_path: str | None = None


class StoredExtension(Struct, frozen=True, tag="Extension", tag_field="type"):
    """An item whose kind is said elsewhere: decode again, as ExtensionItem."""


class ExtensionSleep(Struct, frozen=True, tag="clock.sleep", tag_field="kind", rename="camel"):
    """A pause."""

    id: str
    duration_ms: Count


class ExtensionSearch(Struct, frozen=True, tag="web.search", tag_field="kind", rename="camel"):
    """A use of the web."""

    id: str
    query: str
    action: StoredWebAction | None = None
    results: tuple[Raw, ...] | None = None


class ExtensionImage(Struct, frozen=True, tag="image_gen.generation", tag_field="kind", rename="camel"):
    """An image that was made; the file id wins over the result."""

    id: str
    status: str
    result: str | None = None
    file_id: str | None = None
    revised_prompt: str | None = None
    saved_path: str | None = None
    input_images: tuple[tool_parts.SourceImage, ...] = ()
    transparent_background: bool | None = None
    failure: tool_parts.UsageLimitFailure | None = None
    generation_id: str | None = None


ExtensionItem = ExtensionSleep | ExtensionSearch | ExtensionImage


def public_web_search(stored: StoredWebSearch) -> items.WebSearch:
    """Return the public search."""
    action = public_web_action(stored.action)
    return items.WebSearch(id=stored.id, query=stored.query, action=action, results=stored.results)


def public_web_action(
    stored: StoredWebAction, *, opened: str = "open_page", found: str = "find_in_page"
) -> tool_parts.WebAction:
    """Return what a search did; `opened` and `found` are the record's words for the two kinds."""
    if stored.type == "search":
        return tool_parts.SearchedWeb(query=stored.query, queries=stored.queries)
    if stored.type == opened:
        return tool_parts.OpenedPage(url=stored.url)
    if stored.type == found:
        return tool_parts.FoundInPage(url=stored.url, pattern=stored.pattern)
    return tool_parts.OtherWebAction()


def _extension_search(stored: ExtensionSearch) -> items.WebSearch:
    action = (
        public_web_action(stored.action, opened="openPage", found="findInPage") if stored.action else None
    )
    return items.WebSearch(id=stored.id, query=stored.query, action=action, results=stored.results)


def public_image_view(stored: StoredImageView) -> items.ImageView | None:
    """Return the public view, or None when the path is no file URI."""
    path = paths.find_path_of_uri(stored.path)
    return None if path is None else items.ImageView(id=stored.id, path=path)


def public_image(stored: StoredImageGeneration) -> items.ImageGeneration | None:
    """Return the public image, or None when it was saved under a relative path."""
    return public_extension_image(
        ExtensionImage(
            id=stored.id,
            status=stored.status,
            result=stored.result,
            revised_prompt=stored.revised_prompt,
            saved_path=stored.saved_path,
        )
    )


def public_extension(stored: ExtensionItem) -> items.ThreadItem | None:
    """Return what an extension is to clients, or None when a path in it is relative."""
    match stored:
        case ExtensionSleep():
            return items.Sleep(id=stored.id, duration_ms=stored.duration_ms)
        case ExtensionSearch():
            return _extension_search(stored)
        case ExtensionImage():
            return public_extension_image(stored)


def public_extension_image(stored: ExtensionImage) -> items.ImageGeneration | None:
    """Return the public image, or None without an image or with a relative path."""
    if stored.result is None and stored.file_id is None:
        return None
    saved_path = paths.find_absolute_path(stored.saved_path) if stored.saved_path is not None else UNSET
    sources: list[tool_parts.SourceImage] = []
    for image in stored.input_images:
        path = paths.find_absolute_path(image.path)
        if path is None:
            return None
        sources.append(tool_parts.SourceImage(path=path, sha256=image.sha256))
    if saved_path is None:
        return None
    return items.ImageGeneration(
        id=stored.id,
        status=stored.status,
        revised_prompt=stored.revised_prompt,
        result=stored.result if stored.result is not None and stored.file_id is None else UNSET,
        file_id=stored.file_id if stored.file_id is not None else UNSET,
        transparent_background=stored.transparent_background,
        failure=stored.failure,
        saved_path=saved_path,
        input_images=tuple(sources) if sources else UNSET,
        generation_id=stored.generation_id,
    )
