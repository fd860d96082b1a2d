"""`rollout resume`: what a model must be given to continue a thread, and how it was read."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import click

from rollout.cli.described import describe
from rollout.cli.options import allow_damage_option, json_option, open_thread, pass_output, thread_options
from rollout.cli.output import (
    Output,
    counted,
    emit_damage,
    emit_json,
    emit_pairs,
    one_line,
    shown_duration,
    shown_size,
    width,
    write_json,
)
from rollout.replay.reading import ReadPath
from rollout.turns.paging import ItemsView
from rollout.wire.resume import resumed

if TYPE_CHECKING:
    from rollout.replay.context import Context
    from rollout.store.summary import ThreadSummary
    from rollout.turns.model import Turn


@click.command("resume")
@thread_options
@click.option("--exclude-turns", is_flag=True, help="Leave the turns out: reads only what the model needs.")
@click.option(
    "--initial-turns",
    type=click.IntRange(min=0),
    metavar="N",
    help="Add the newest N turns as a first page (initialTurnsPage).",
)
@click.option("--full-replay", is_flag=True, help="Read every byte instead of stopping at the checkpoint.")
@click.option(
    "--output",
    "path",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the JSON to a file instead of stdout.",
)
@allow_damage_option
@json_option
@pass_output
def resume(
    output: Output,
    reference: str | None,
    last: bool,
    exclude_turns: bool,
    initial_turns: int | None,
    full_replay: bool,
    path: str | None,
    allow_damage: bool,
    wants_json: bool,
) -> None:
    """Say what a model must be given to continue a thread.

    Reads backward to the newest checkpoint and no further when that proves the answer.
    rollout.context.items in the JSON is the input array to send to a model.

    \b
    Examples:
      rollout resume --last
      rollout resume 01a1fc4a --exclude-turns --initial-turns 20 --json
    """
    with output.open_store() as store, open_thread(store, reference, last=last) as thread:
        started = perf_counter()
        context = thread.context(full_replay=full_replay, allow_damage=allow_damage)
        input_json = context.input_json()
        took_ms = (perf_counter() - started) * 1000
        summary = thread.summary()
        view = ItemsView.FULL if wants_json or path is not None else ItemsView.NOT_LOADED
        turns = None if exclude_turns else thread.all_turns(view=view, allow_damage=allow_damage)
        first_page = None
        if initial_turns is not None:
            first_page = thread.turns(limit=initial_turns, allow_damage=allow_damage)
        damage = context.damage
        if allow_damage and turns is not None:
            damage = [*damage, *(one for one in thread.broken_seals() if one not in damage)]
    if wants_json or path is not None:
        answer = resumed(summary, context, turns, first_page, damage, input_json)
        if path is not None:
            write_json(answer, path)
        else:
            emit_json(answer)
    if not wants_json:
        _print_summary(summary, context, turns, len(input_json), took_ms)
        emit_damage(damage)


def _print_summary(
    summary: ThreadSummary, context: Context, turns: list[Turn] | None, input_bytes: int, took_ms: float
) -> None:
    title = summary.name or summary.preview or "(nothing asked yet)"
    click.echo(click.style(one_line(title, width()), bold=True))
    pairs = describe(summary)
    if turns is not None:
        pairs.append(("turns", _turns(turns)))
    pairs.append(("context", f"{counted(context.item_count, 'item')}, {shown_size(input_bytes)} of JSON"))
    pairs.append(("tokens", _tokens(context)))
    pairs.append(("checkpoint", _checkpoint(context)))
    read = context.read
    part = f"{shown_size(read.bytes_read)} of {shown_size(read.bytes_total)} in {shown_duration(took_ms)}"
    over = f"{counted(read.records, 'record')}, {counted(read.segments, 'segment')}"
    pairs.append(("read", f"{part}: {over}"))
    if context.not_resumable is not None:
        pairs.append(("cannot go on", context.not_resumable))
    emit_pairs(pairs)


def _turns(turns: list[Turn]) -> str:
    if not turns:
        return "none yet"
    return f"{len(turns):,}, the newest {turns[-1].status.value}"


def _tokens(context: Context) -> str:
    info = context.usage.info
    if info is None or info.total_token_usage is None:
        return "not recorded"
    total = f"{info.total_token_usage.total_tokens:,} in total"
    if info.last_token_usage is None or not info.model_context_window:
        return total
    used = info.last_token_usage.total_tokens
    share = used / info.model_context_window
    return f"{total}; the last request took {used:,} of {info.model_context_window:,} ({share:.0%})"


def _checkpoint(context: Context) -> str:
    if context.read.path is ReadPath.FULL:
        return f"none used: {context.read.reason}"
    return f"{context.read.reason} (window {context.window.number})"
