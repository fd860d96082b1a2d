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
from rollout.cli.agent_tree import agent_lines, print_agents
from rollout.cli.options import (
    allow_damage_option,
    find_known_id,
    json_option,
    open_thread,
    pass_output,
    thread_options,
)
from rollout.cli.output import Output, emit_damage, emit_json
from rollout.store.agent_tree import agent_tree_of
from rollout.wire.agents import agent_rows


@click.command("tree")
@thread_options
@click.option("--all", "shows_all", is_flag=True, help="Show every thread, in however many rows.")
@click.option("--agents", "wants_agents", is_flag=True, help="Show who spawned whom, not who was forked.")
@json_option
@pass_output
def tree(
    output: Output, reference: str | None, last: bool, shows_all: bool, wants_agents: bool, wants_json: bool
) -> None:
    """Show the family of a thread: what it was forked from, and what was forked from it.

    A row a thread, below its parent, in the order of the turns at which they left it. OWN is what a
    thread's files take, INHERITED what its history holds in files of others. The asked thread is marked
    with `>`. Of a large family the rows nearest to it are shown and the others counted; a thread that
    is missing or cannot be read is shown all the same.

    With --agents a thread stands below the one that spawned it. STATUS says whether an agent is open,
    and so comes back with its parent, or closed; AGENT is its address or its nickname, and its role.

    \b
    Examples:
      rollout tree 01a1fc4a
      rollout tree --agents --last
    """
    if wants_agents:
        _show_agents(output, reference, last=last, shows_all=shows_all, wants_json=wants_json)
        return
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
        _say_more(output, f"tree {shlex.quote(reference or family.thread_id)} --all")


def _show_agents(
    output: Output, reference: str | None, *, last: bool, shows_all: bool, wants_json: bool
) -> None:
    with output.open_store() as store:
        found = agent_tree_of(store, find_known_id(store, reference, last=last))
    if wants_json:
        emit_json(agent_rows(found))
        return
    lines = agent_lines(found, shows_all=shows_all)
    print_agents(found, lines)
    if any(line.folded or line.hidden for line in lines):
        _say_more(output, f"tree --agents {shlex.quote(reference or found.thread_id)} --all")


def _say_more(output: Output, call: str) -> None:
    click.echo(click.style(f"more: {output.command} {call}", dim=True), err=True)


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
