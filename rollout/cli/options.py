"""Arguments and options that mean the same in every command."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from rollout.cli.output import Output
from rollout.errors import InvalidRequest
from rollout.store.root import Store
from rollout.store.thread import Thread
from rollout.turns.paging import DEFAULT_LIMIT

F = TypeVar("F", bound=Callable[..., Any])

_SUFFIXES: Final = (".jsonl", ".jsonl.zst")

json_option = click.option("--json", "wants_json", is_flag=True, help="Print JSON, as docs/json.md says.")
pass_output = click.make_pass_decorator(Output)


def thread_options(command: F) -> F:
    """Add THREAD and --last."""
    command = click.option("--last", is_flag=True, help="Take the thread that changed last.")(command)
    return click.argument("reference", metavar="THREAD|--last", required=False)(command)


def page_options(default_direction: str) -> Callable[[F], F]:
    """Add --limit, --cursor and --sort."""

    def add(command: F) -> F:
        command = click.option(
            "--sort",
            "direction",
            type=click.Choice(["desc", "asc"]),
            default=default_direction,
            show_default=True,
            help="Newest first (desc) or oldest first (asc).",
        )(command)
        return limit_options(command)

    return add


def limit_options(command: F) -> F:
    """Add --limit and --cursor."""
    command = click.option("--cursor", help="Go on from a page's nextCursor or backwardsCursor.")(command)
    return click.option(
        "--limit",
        type=click.IntRange(min=0),
        default=DEFAULT_LIMIT,
        show_default=True,
        metavar="N",
        help="How many, from 1 to 100.",
    )(command)


def choice_option(
    flag: str, name: str, words: type[StrEnum], default: StrEnum, text: str
) -> Callable[[F], F]:
    """Return an option that takes one word of a closed set."""
    return click.option(
        flag,
        name,
        type=click.Choice([word.value for word in words]),
        default=default.value,
        show_default=True,
        help=text,
    )


def open_thread(store: Store, reference: str | None, *, last: bool) -> Thread:
    """Open what THREAD or --last names: an id, a prefix, a name, or a path."""
    if last is (reference is not None):
        raise InvalidRequest(
            "choosing a thread: expected either THREAD or --last",
            hint="Name one thread: a full id, a unique prefix, a name, a path, or --last.",
        )
    if reference is None:
        return store.open_thread(store.newest_thread_id())
    if "/" in reference or reference.endswith(_SUFFIXES):
        return store.open_path(str(Path(reference).expanduser().absolute()))
    return store.open_thread(reference)
