"""Options that say which threads of a listing are wanted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from rollout.catalog.kinds import SourceKind
from rollout.catalog.query import ThreadFilter
from rollout.errors import InvalidRequest
from rollout.fs.paths import absolute_path

if TYPE_CHECKING:
    from rollout.store.store import Store

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--cwd", "cwds", metavar="FOLDER", multiple=True, help="Only threads of this folder."),
    click.option(
        "--source",
        "sources",
        type=click.Choice([kind.value for kind in SourceKind]),
        multiple=True,
        help="Only threads that this started; subAgent means every kind of sub-agent.",
    ),
    click.option("--provider", "providers", metavar="NAME", multiple=True, help="Only of this provider."),
    click.option("--parent", metavar="THREAD", help="Only threads that this one spawned."),
    click.option("--ancestor", metavar="THREAD", help="Only threads spawned below this one, at any depth."),
    click.option("--title", "term", metavar="TEXT", help="Only with this in the name or the title."),
    click.option("--pinned", is_flag=True, help="Only threads that somebody pinned."),
    click.option(
        "--tag", "tags", metavar="TAG", multiple=True, help="Only with this tag, and all others named."
    ),
    click.option("--since", metavar="DATE", help="Only from this date or time on, by the order asked for."),
    click.option("--until", metavar="DATE", help="Only before this date or time."),
)


class Asked(Struct, frozen=True):
    """The options as they were given."""

    cwds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    parent: str | None = None
    ancestor: str | None = None
    term: str | None = None
    since: str | None = None
    until: str | None = None
    pinned: bool = False
    tags: tuple[str, ...] = ()

    def options(self) -> list[str]:
        """Return the options as they are written in a command."""
        named = [
            *(("--cwd", value) for value in self.cwds),
            *(("--source", value) for value in self.sources),
            *(("--provider", value) for value in self.providers),
            ("--parent", self.parent),
            ("--ancestor", self.ancestor),
            ("--title", self.term),
            ("--since", self.since),
            ("--until", self.until),
            *(("--tag", value) for value in self.tags),
        ]
        given = [part for option, value in named if value is not None for part in (option, value)]
        return [*given, *(["--pinned"] * self.pinned)]


def filter_options(command: F) -> F:
    """Add the options of a filter."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def filter_of(store: Store, asked: Asked) -> ThreadFilter:
    """Return the filter that the options mean. Raise InvalidRequest, or NotFound for an unknown thread."""
    if asked.parent is not None and asked.ancestor is not None:
        raise InvalidRequest(
            "listing threads: expected at most one of --parent and --ancestor, found both",
            hint="A thread that somebody spawned is below it, too: leave --parent out.",
        )
    return ThreadFilter(
        cwds=tuple(map(absolute_path, asked.cwds)),
        source_kinds=asked.sources,
        providers=asked.providers,
        parent_id=store.find_thread_id(asked.parent) if asked.parent is not None else None,
        ancestor_id=store.find_thread_id(asked.ancestor) if asked.ancestor is not None else None,
        term=asked.term or "",
        since_ms=_millis(asked.since),
        until_ms=_millis(asked.until),
        is_pinned=True if asked.pinned else None,
        tags=asked.tags,
    )


def _millis(text: str | None) -> int | None:
    """Return a date or time, local where it names no zone, in UTC milliseconds."""
    if text is None:
        return None
    try:
        return int(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidRequest(
            f"reading a date: expected YYYY-MM-DD, with a time or without, found {text[:80]!r}",
            hint="Write 2026-11-21 or 2026-11-21T04:00:00Z.",
        ) from error
