"""`rollout archive` and `rollout unarchive`: put a thread away, and get it back."""

from __future__ import annotations

import click

from rollout.cli.options import find_known_id, json_option, pass_output, thread_options
from rollout.cli.output import Output, counted, emit_json
from rollout.store.archiving import Moves
from rollout.wire.keeping import moves as shown_moves


@click.command("archive")
@thread_options
@json_option
@pass_output
def archive(output: Output, reference: str | None, last: bool, wants_json: bool) -> None:
    """Put a thread away: out of lists, into the archive.

    All of its files move to archived_sessions/ of the home, under the names they have, with those
    of every thread that it spawned: all of them, or none. Forks of it read on as before. It can
    still be shown, resumed and forked by its id, and is listed by `rollout list --archived`; to
    record it, bring it back with `rollout unarchive`. While somebody records one of these threads,
    nothing is moved: status 4.

    A reference client that has opened a paginated thread before remembers where it lay. It lists
    the thread as archived, but cannot bring it back: that is for `rollout unarchive`.

    \b
    Example:
      rollout archive 01a1fc4a
    """
    with output.open_store() as store:
        found = store.archive_thread(find_known_id(store, reference, last=last))
    _report(found, "archived", "is archived already", wants_json=wants_json)


@click.command("unarchive")
@click.argument("reference", metavar="THREAD")
@json_option
@pass_output
def unarchive(output: Output, reference: str, wants_json: bool) -> None:
    """Get a thread back out of the archive.

    All of its files move to the folder of the date in their names, with those of every thread that
    it spawned. The exit status is 0, too, if it was not archived.

    \b
    Example:
      rollout unarchive 01a1fc4a
    """
    with output.open_store() as store:
        found = store.unarchive_thread(find_known_id(store, reference, last=False))
    _report(found, "unarchived", "is not archived", wants_json=wants_json)


def _report(found: Moves, done: str, as_is: str, *, wants_json: bool) -> None:
    if wants_json:
        emit_json(shown_moves(found))
        return
    thread_id, *others = found.thread_ids
    spawned = f", with {counted(len(others), 'thread')} that it spawned" if others else ""
    if not found.moved:
        click.echo(f"thread {thread_id} {as_is}{spawned}")
        return
    click.echo(f"{done} thread {thread_id}{spawned}: {counted(len(found.moved), 'file')}")
    for moved in found.moved:
        click.echo(click.style(moved.path, dim=True), err=True)
