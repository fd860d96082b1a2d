"""Arguments and options that mean the same in every command."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from rollout.cli.output import Output
from rollout.errors import InvalidRequest, StorageFailed
from rollout.fs.paths import absolute_path
from rollout.turns.paging import DEFAULT_LIMIT

if TYPE_CHECKING:
    from rollout.ids import ThreadId
    from rollout.store.store import Store
    from rollout.store.thread import Thread

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


def durability_option(command: F) -> F:
    """Add --durability."""
    return click.option(
        "--durability",
        type=click.Choice(["turn", "record", "none"]),
        default="turn",
        show_default=True,
        help="When it survives a power loss: once the turn has ended, at every record, or never for sure.",
    )(command)


def read_input(path: str, what: str) -> bytes:
    """Return all of a file, or of stdin for `-`. Raise StorageFailed."""
    try:
        with click.open_file(path, "rb") as stream:
            if path == "-" and stream.isatty():
                click.echo(f"reading {what} from the terminal, up to Ctrl-D", err=True)
            return bytes(stream.read())
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise StorageFailed(f"reading {path}: {why}", hint="Name a file that you may read.") from error


def input_name(path: str) -> str:
    """Return how an input is called in messages."""
    return "stdin" if path == "-" else path


def find_writable_id(store: Store, reference: str | None, *, last: bool) -> ThreadId:
    """Return the id of the thread to write to.

    A path must be that of the thread's newest rollout: nothing is written anywhere else.
    """
    with open_thread(store, reference, last=last) as thread:
        thread_id, named = thread.id, thread.files()[-1].path
    if reference is None or not is_path(reference):
        return thread_id
    with store.open_thread(thread_id) as thread:
        newest = thread.files()[-1].path
    from pathlib import Path

    if not Path(named).samefile(newest):
        raise InvalidRequest(
            f"writing to {named}: the newest rollout of thread {thread_id} in this home is {newest}",
            hint="Name the thread by its id, or choose another home with --home.",
        )
    return thread_id


def find_known_id(store: Store, reference: str | None, *, last: bool) -> ThreadId:
    """Return the id of a thread, which need not be readable. A path must be that of a rollout of the home."""
    require_one(reference, last=last)
    if reference is None:
        return store.newest_thread_id()
    if not is_path(reference):
        return store.find_thread_id(reference)
    from pathlib import Path

    from rollout.log.layout import base_name, find_name

    path = Path(absolute_path(reference))
    name = find_name(base_name(str(path)))
    if name is not None and path.exists():
        for file in store.rollouts().index.files_of(name.thread_id):
            if path.samefile(file.path):
                return name.thread_id
    raise InvalidRequest(
        f"choosing the thread of {path}: it is no rollout of the home {store.home}",
        hint="Name a file in its sessions/, or choose another home with --home.",
    )


def require_one(reference: str | None, *, last: bool) -> None:
    """Raise InvalidRequest unless one thread is named: by THREAD or by --last."""
    if last is (reference is not None):
        raise InvalidRequest(
            "choosing a thread: expected either THREAD or --last",
            hint="Name one thread: a full id, a unique prefix, a name, a path, or --last.",
        )


def is_path(reference: str) -> bool:
    """Tell whether a reference is a path, and no id or name."""
    return "/" in reference or reference.endswith(_SUFFIXES)


def allow_damage_option(command: F) -> F:
    """Add --allow-damage."""
    return click.option(
        "--allow-damage",
        is_flag=True,
        help="Answer even if bytes that were sealed have been altered, and say which.",
    )(command)


def open_thread(store: Store, reference: str | None, *, last: bool) -> Thread:
    """Open what THREAD or --last names: an id, a prefix, a name, or a path."""
    require_one(reference, last=last)
    if reference is None:
        return store.open_thread(store.newest_thread_id())
    if is_path(reference):
        return store.open_path(absolute_path(reference))
    return store.open_thread(reference)
