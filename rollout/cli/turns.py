"""`rollout turns`: the turns of a thread, page by page."""

from __future__ import annotations

import click

from rollout.cli.excerpts import excerpt, kind_of
from rollout.cli.options import (
    allow_damage_option,
    choice_option,
    json_option,
    open_thread,
    page_options,
    pass_output,
    thread_options,
)
from rollout.cli.output import (
    Output,
    emit_damage,
    emit_json,
    emit_more,
    one_line,
    shown_duration,
    shown_time,
    width,
)
from rollout.turns.items import AgentMessage, UserMessage
from rollout.turns.model import Turn, TurnStatus
from rollout.turns.paging import ItemsView, SortDirection

_COLORS = {TurnStatus.COMPLETED: "green", TurnStatus.FAILED: "red", TurnStatus.INTERRUPTED: "yellow"}


@click.command("turns")
@thread_options
@page_options("desc")
@choice_option("--items", "view", ItemsView, ItemsView.SUMMARY, "How much of each turn.")
@allow_damage_option
@json_option
@pass_output
def turns(
    output: Output,
    reference: str | None,
    last: bool,
    limit: int,
    cursor: str | None,
    direction: str,
    view: str,
    allow_damage: bool,
    wants_json: bool,
) -> None:
    """Page through the turns of a thread, newest first.

    The newest page reads the end of the log and no more. A cursor goes on where a page
    ended, however much the thread has grown since.

    \b
    Example:
      rollout turns 01a1fc4a --limit 5 --items full
    """
    with output.open_store() as store, open_thread(store, reference, last=last) as thread:
        thread_id = thread.id
        page = thread.turns(
            limit=limit,
            cursor=cursor,
            direction=SortDirection(direction),
            view=ItemsView(view),
            allow_damage=allow_damage,
        )
    if wants_json:
        emit_json(page)
        return
    emit_damage(page.damage)
    for turn in page.data:
        print_turn(turn)
    if not page.data:
        click.echo("no turns here", err=True)
    named = reference or thread_id
    emit_more(
        f"{output.command} turns {named} --limit {limit} --sort {direction} --items {view}", page.next_cursor
    )


def print_turn(turn: Turn) -> None:
    """Print one turn: a line about it, then a line an item."""
    when = shown_time(int(turn.started_at * 1000)) if turn.started_at is not None else "(no time)"
    took = f"  {shown_duration(turn.duration_ms)}" if turn.duration_ms is not None else ""
    status = click.style(turn.status.value, fg=_COLORS.get(turn.status))
    click.echo(f"{when}  {status}{took}  {click.style(turn.id, dim=True)}")
    if turn.error is not None:
        click.echo(f"  ! {one_line(turn.error.message, width() - 4)}")
    for item in turn.items:
        mark = ">" if isinstance(item, UserMessage) else "<" if isinstance(item, AgentMessage) else None
        label = mark if mark is not None else f"· {kind_of(item)}"
        click.echo(f"  {label} {one_line(excerpt(item), width() - 3 - len(label))}".rstrip())
