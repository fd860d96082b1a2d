"""`rollout tree` and `rollout diff`: who was forked from whom, and what became of either."""

from __future__ import annotations

import shlex

import click

from fork.cli_diff import print_difference
from fork.cli_tree import print_tree
from fork.diff import diff_threads
from fork.family import family_of
from fork.outline import outline
from fork.shapes import difference_shape, family_shape
from rollout.cli.options import (
    allow_damage_option,
    find_known_id,
    json_option,
    open_thread,
    pass_output,
    thread_options,
)
from rollout.cli.output import Output, emit_damage, emit_json


@click.command("tree")
@thread_options
@click.option("--all", "shows_all", is_flag=True, help="Show every thread, in however many rows.")
@json_option
@pass_output
def tree(output: Output, reference: str | None, last: bool, shows_all: bool, wants_json: bool) -> None:
    """Show the family of a thread: what it was forked from, and what was forked from it.

    A row a thread, below its parent, in the order of the turns at which they left it. OWN is what a
    thread's files take, INHERITED what its history holds in files of others. The asked thread is marked
    with `>`. Of a large family the rows nearest to it are shown and the others counted; a thread that
    is missing or cannot be read is shown all the same.

    \b
    Example:
      rollout tree 01a1fc4a
    """
    with output.open_store() as store:
        family = family_of(store, find_known_id(store, reference, last=last))
    if wants_json:
        emit_json(family_shape(family))
        return
    rows = outline(family, shows_all=shows_all)
    print_tree(family, rows)
    for path in family.unknown:
        click.echo(click.style(f"not read, and may belong to the family: {path}", fg="yellow"), err=True)
    if any(row.folded or row.hidden for row in rows):
        named = reference or family.thread_id
        click.echo(click.style(f"more: {output.command} tree {shlex.quote(named)} --all", dim=True), err=True)


@click.command("diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@allow_damage_option
@json_option
@pass_output
def diff(output: Output, a: str, b: str, allow_damage: bool, wants_json: bool) -> None:
    """Show where two threads part, and the turns that each has from there on.

    A and B are threads, named as THREAD is elsewhere. Where they part is read from the lineage: up to
    there both histories are the same bytes. Two paths compare two rollouts of a thread, as before and
    after a revert. Threads of which one is a copy of the other have no lineage in common.

    \b
    Example:
      rollout diff 01a1fc4a 01a1fc4b
    """
    with (
        output.open_store() as store,
        open_thread(store, a, last=False) as one,
        open_thread(store, b, last=False) as other,
    ):
        found = diff_threads(store, one, other, allow_damage=allow_damage)
    if wants_json:
        emit_json(difference_shape(found))
        return
    emit_damage([*found.a.damage, *(one for one in found.b.damage if one not in found.a.damage)])
    print_difference(found)
