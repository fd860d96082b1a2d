"""`rollout items`: what was said and done, page by page."""

from __future__ import annotations

import click

from rollout.cli.excerpts import excerpt, kind_of
from rollout.cli.options import (
    allow_damage_option,
    json_option,
    open_thread,
    page_options,
    pass_output,
    thread_options,
)
from rollout.cli.output import Output, emit_damage, emit_json, emit_more, emit_table
from rollout.turns.paging import SortDirection


@click.command("items")
@thread_options
@click.option("--turn", "turn_id", metavar="ID", help="Only the items of this turn.")
@page_options("asc")
@allow_damage_option
@json_option
@pass_output
def items(
    output: Output,
    reference: str | None,
    last: bool,
    turn_id: str | None,
    limit: int,
    cursor: str | None,
    direction: str,
    allow_damage: bool,
    wants_json: bool,
) -> None:
    """Page through the items of a thread or a turn, oldest first.

    \b
    Example:
      rollout items --last --sort desc --limit 3
    """
    with output.open_store() as store, open_thread(store, reference, last=last) as thread:
        thread_id = thread.id
        page = thread.items(
            turn_id=turn_id,
            limit=limit,
            cursor=cursor,
            direction=SortDirection(direction),
            allow_damage=allow_damage,
        )
    if wants_json:
        emit_json(page)
        return
    emit_damage(page.damage)
    if page.data:
        rows = [[kind_of(one.item), one.item.id, excerpt(one.item)] for one in page.data]
        emit_table(["ITEM", "ID", "WHAT"], rows)
    else:
        click.echo("no items here", err=True)
    turn = f" --turn {turn_id}" if turn_id is not None else ""
    emit_more(
        f"{output.command} items {reference or thread_id}{turn} --limit {limit} --sort {direction}",
        page.next_cursor,
    )
