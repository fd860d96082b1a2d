"""`rollout tree` and `rollout diff`: who was forked from whom, and what became of either."""

from __future__ import annotations

import shlex

import click

from fork.cli_diff import print_difference
from fork.cli_tree import print_tree
from fork.diff import Difference, diff_threads
from fork.family import Family, Member, family_of
from fork.outline import outline
from rollout.cli.options import (
    allow_damage_option,
    find_known_id,
    json_option,
    open_thread,
    pass_output,
    thread_options,
)
from rollout.cli.output import Output, emit_damage, emit_json
from rollout.wire.families import (
    CommonAncestor,
    DiffSide,
    FamilyBase,
    FamilyMember,
    FamilyTree,
    ThreadDiff,
    fork_turns,
)


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
        emit_json(_tree(family))
        return
    rows = outline(family, shows_all=shows_all)
    print_tree(family, rows)
    if any(row.folded or row.hidden for row in rows):
        named = reference or family.thread_id
        click.echo(click.style(f"more: {output.command} tree {shlex.quote(named)} --all", dim=True), err=True)


def _tree(family: Family) -> FamilyTree:
    """Return the public shape of a family."""
    asked = family.thread_id
    return FamilyTree(
        asked,
        [one.id for one in family.ancestors(asked)],
        [one.id for one in family.children.get(asked, [])],
        [one.id for one in family.siblings(asked)],
        [_tree_member(one) for one in family.members],
    )


def _tree_member(member: Member) -> FamilyMember:
    link = member.link
    return FamilyMember(
        id=member.id,
        parent_id=member.parent_id,
        base=FamilyBase(link.rollout_id, link.end_ordinal, link.end_offset) if link is not None else None,
        fork=fork_turns(member.fork_turns),
        is_copy=member.is_copy,
        name=member.name,
        first_words=member.first_words,
        created_at=member.created_at // 1000 if member.created_at is not None else None,
        own_bytes=member.own_bytes,
        inherited_bytes=member.inherited_bytes,
        rollouts=member.rollout_count,
        is_archived=member.is_archived,
        is_deleted=member.is_deleted,
        is_missing=member.is_missing,
        problem=member.problem,
    )


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
        emit_json(_difference(found))
        return
    emit_damage([*found.a.damage, *(one for one in found.b.damage if one not in found.a.damage)])
    print_difference(found)


def _difference(found: Difference) -> ThreadDiff:
    """Return the public shape of a difference."""
    common = found.ancestor
    return ThreadDiff(
        CommonAncestor(
            common.thread_id,
            common.rollout_id,
            common.end_ordinal,
            common.end_offset,
            fork_turns(common.fork_turns),
        ),
        *(DiffSide(one.thread_id, one.taken_back, one.turns, one.damage) for one in (found.a, found.b)),
    )
