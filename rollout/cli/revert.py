"""`rollout revert`: let a paginated thread end before one of its turns."""

from __future__ import annotations

import click

from rollout.cli.options import find_writable_id, json_option, pass_output, thread_options
from rollout.cli.output import Output, emit_json
from rollout.wire.threads import shown


@click.command("revert")
@thread_options
@click.option(
    "--before-turn",
    "turn_id",
    required=True,
    metavar="ID",
    help="The turn that goes, with all that came after it.",
)
@json_option
@pass_output
def revert(output: Output, reference: str | None, last: bool, turn_id: str, wants_json: bool) -> None:
    """Let a paginated thread end before one of its turns.

    Nothing is rewritten: a new file of the thread says where the older one is left, and the older
    one can still be read by its path. A legacy thread goes back with `rollout rollback`.

    \b
    Example:
      rollout revert "$id" --before-turn 01a1fc4a-f09b-7b41-9d5d-6a1a47e0ac68
    """
    with output.open_store() as store:
        thread_id = find_writable_id(store, reference, last=last)
        with store.revert_thread(thread_id, before_turn=turn_id) as thread:
            summary, segments = thread.summary(), thread.segments()
    if wants_json:
        emit_json(shown(summary, segments))
        return
    click.echo(f"thread {summary.id} now ends before turn {turn_id}")
    click.echo(click.style(summary.path, dim=True), err=True)
