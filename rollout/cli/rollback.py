"""`rollout rollback`: take the last turns of a legacy thread back."""

from __future__ import annotations

from typing import Final

import click

from rollout.cli.append import print_recorded
from rollout.cli.options import find_writable_id, json_option, pass_output, thread_options
from rollout.cli.output import Output, counted, emit_json
from rollout.wire.recording import rolled_back

_MOST_TURNS: Final = 0xFFFFFFFF


@click.command("rollback")
@thread_options
@click.option(
    "--turns",
    "num_turns",
    type=click.IntRange(1, _MOST_TURNS),
    required=True,
    metavar="N",
    help="How many of the newest turns to take back.",
)
@json_option
@pass_output
def rollback(output: Output, reference: str | None, last: bool, num_turns: int, wants_json: bool) -> None:
    """Take the last turns of a legacy thread back.

    Their bytes stay in the log; a model and people are shown the thread without them. A
    paginated thread goes back with `rollout revert`.

    \b
    Example:
      rollout rollback 5973b6c0 --turns 1
    """
    with output.open_store() as store:
        thread_id = find_writable_id(store, reference, last=last)
        written = store.roll_back_thread(thread_id, num_turns)
        answer = rolled_back(store.summary(thread_id), written)
    if wants_json:
        emit_json(answer)
        return
    click.echo(f"took back {counted(num_turns, 'turn')} of thread {thread_id}")
    print_recorded(answer.rollout)
