"""`rollout delete`: hide a thread for good, or bring it back before it is pruned."""

from __future__ import annotations

import importlib
from typing import Final

import click

from rollout.cli.options import find_known_id, is_path, json_option, pass_output, thread_options
from rollout.cli.output import Output, counted, emit_json
from rollout.errors import InvalidRequest
from rollout.ids import ThreadId
from rollout.log.layout import base_name, find_name
from rollout.store.deleting import Deleted
from rollout.store.store import Store
from rollout.store.tombstones import DeleteMode
from rollout.wire.keeping import deleted as shown_deleted

_FLATTEN: Final = "fork.flatten:flatten_thread"
"""Where families are tended: named, not imported, as in the table of commands."""


@click.command("delete")
@thread_options
@click.option("--keep-for-forks", is_flag=True, help="Hide it, and keep the bytes that its forks need.")
@click.option("--flatten-children", is_flag=True, help="First copy to its forks what they need of it.")
@click.option("--cascade", is_flag=True, help="Delete all that stands on it as well.")
@click.option("--undo", is_flag=True, help="Bring a deleted thread back.")
@json_option
@pass_output
def delete(
    output: Output,
    reference: str | None,
    last: bool,
    keep_for_forks: bool,
    flatten_children: bool,
    cascade: bool,
    undo: bool,
    wants_json: bool,
) -> None:
    """Hide a thread for good, with all that it spawned.

    It is no longer listed, and no longer found by its id or name. Its files stay as they are until
    `rollout prune` reclaims them; until then `rollout delete --undo` brings it back.

    A thread that forks stand on is not deleted (status 4) unless an option says what is to become
    of them: with --keep-for-forks the bytes that they need stay when the rest is pruned; with
    --flatten-children each of them gets a copy of what it inherits, and stands alone from then on;
    with --cascade they are deleted, too, and so are their forks.

    \b
    Examples:
      rollout delete 01a1fc4a --keep-for-forks
      rollout delete --undo 01a1fc4a
    """
    mode = _mode(keep_for_forks, flatten_children, cascade, undo=undo)
    with output.open_store() as store:
        if undo:
            found = store.undelete_thread(_deleted_reference(reference, last=last))
        else:
            thread_id = find_known_id(store, reference, last=last)
            flatten = (lambda one: _flatten(store, one)) if mode is DeleteMode.FLATTEN_CHILDREN else None
            found = store.delete_thread(thread_id, mode, flatten)
    if wants_json:
        emit_json(shown_deleted(found))
    else:
        _report(found, is_undone=undo)


def _mode(keep_for_forks: bool, flatten_children: bool, cascade: bool, *, undo: bool) -> DeleteMode:
    chosen = [
        mode
        for mode, is_chosen in (
            (DeleteMode.KEEP_FOR_FORKS, keep_for_forks),
            (DeleteMode.FLATTEN_CHILDREN, flatten_children),
            (DeleteMode.CASCADE, cascade),
        )
        if is_chosen
    ]
    if len(chosen) + undo > 1:
        raise InvalidRequest(
            "deleting a thread: expected one of --keep-for-forks, --flatten-children, --cascade and --undo",
            hint="Choose what is to become of its forks.",
        )
    return chosen[0] if chosen else DeleteMode.PLAIN


def _deleted_reference(reference: str | None, *, last: bool) -> str:
    """Return what names the deleted thread; of a path, the id in the file's name."""
    if reference is None or last:
        raise InvalidRequest(
            "choosing a deleted thread: expected THREAD", hint="Give its id, a prefix of it, or its name."
        )
    name = find_name(base_name(reference)) if is_path(reference) else None
    return name.thread_id if name is not None else reference


def _flatten(store: Store, thread_id: ThreadId) -> object:
    module, _, name = _FLATTEN.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise InvalidRequest(
            "flattening: the package `fork` is not installed",
            hint="Install it, or choose --keep-for-forks or --cascade.",
        ) from error
    return found(store, thread_id)


def _report(found: Deleted, *, is_undone: bool) -> None:
    thread_id, *others = found.thread_ids
    more = f", and {counted(len(others), 'thread')} with it" if others else ""
    click.echo(f"{'brought back' if is_undone else 'deleted'} thread {thread_id}{more}")
    if found.flattened:
        click.echo(f"{counted(len(found.flattened), 'thread')} flattened: {', '.join(found.flattened)}")
    if found.resting:
        click.echo(f"bytes kept for {counted(len(found.resting), 'thread')}: {', '.join(found.resting)}")
    if not is_undone:
        click.echo(click.style(f"undo: rollout delete --undo {thread_id}", dim=True), err=True)
