"""`rollout compact`: put a shorter history in place of all that a model was given so far."""

from __future__ import annotations

import click

from rollout.cli.append import print_recorded
from rollout.cli.options import (
    find_writable_id,
    input_name,
    json_option,
    pass_output,
    read_input,
    thread_options,
)
from rollout.cli.output import Output, counted, emit_json
from rollout.store.item_lines import parse_history
from rollout.wire.recording import Compacted, recorded


@click.command("compact")
@thread_options
@click.option(
    "--history",
    "path",
    required=True,
    metavar="FILE|-",
    help="The items that replace all earlier ones, as JSON Lines or one JSON array; - is stdin.",
)
@click.option("--message", default="", metavar="TEXT", help="The summary, for people who read the log.")
@json_option
@pass_output
def compact(
    output: Output, reference: str | None, last: bool, path: str, message: str, wants_json: bool
) -> None:
    """Put a shorter history in place of all that a model was given so far.

    From here on a resume reads back to this point and no further. What people see stays: turns
    and items are all there.

    \b
    Example:
      rollout compact "$id" --history summary.jsonl --message "We fixed the build."
    """
    with output.open_store() as store:
        thread_id = find_writable_id(store, reference, last=last)
        content = read_input(path, "a history")
        history = parse_history(content, source=input_name(path), max_line_bytes=store.max_line_bytes)
        with store.record(thread_id) as recorder:
            written = recorder.compact(history, message=message)
        window = store.resume(thread_id, allow_damage=True).window
    answer = Compacted(window, recorded(written, is_durable=True))
    if wants_json:
        emit_json(answer)
        return
    click.echo(f"window {window.number}: {counted(len(history), 'item')} in place of the earlier history")
    print_recorded(answer.rollout)
