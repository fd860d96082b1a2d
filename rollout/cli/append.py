"""`rollout append`: record items from stdin as one complete turn."""

from __future__ import annotations

import click

from rollout.cli.options import (
    durability_option,
    find_writable_id,
    json_option,
    pass_output,
    read_input,
    thread_options,
)
from rollout.cli.output import Output, counted, emit_json, shown_size
from rollout.cli.turns import print_turn
from rollout.store.item_lines import parse_items
from rollout.wire.recording import Recorded, appended_turn


@click.command("append")
@thread_options
@durability_option
@json_option
@pass_output
def append(output: Output, reference: str | None, last: bool, durability: str, wants_json: bool) -> None:
    """Record items from stdin as one complete turn.

    stdin holds JSON Lines: one item of the model's history a line, as a model is sent or gives
    them. All of them are looked at first; when one cannot be stored, nothing is written, and the
    error says which line and why. The turn is written at once: a crash leaves all of it, or
    nothing that counts as completed.

    \b
    Example:
      rollout append "$id" < turn.jsonl
    """
    with output.open_store() as store:
        thread_id = find_writable_id(store, reference, last=last)
        items = parse_items(read_input("-", "items"), source="stdin", max_line_bytes=store.max_line_bytes)
        whole = store.append_turn(thread_id, items, durability=durability)
    answer = appended_turn(whole, is_durable=durability != "none")
    if wants_json:
        emit_json(answer)
        return
    print_turn(whole.turn)
    print_recorded(answer.rollout)


def print_recorded(recorded: Recorded) -> None:
    """Say on stderr what was added."""
    added = shown_size(recorded.bytes_written)
    if recorded.first_ordinal is not None and recorded.next_ordinal is not None:
        added = f"{counted(recorded.next_ordinal - recorded.first_ordinal, 'record')}, {added}"
    kept = "durable" if recorded.durable else "appended, not made durable"
    click.echo(click.style(f"recorded: {added}, {kept}", dim=True), err=True)
