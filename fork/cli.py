"""`rollout fork`: a child that goes on where a thread stands, and copies nothing."""

from __future__ import annotations

import click
from msgspec import UNSET

from fork.create import Fork, fork_thread
from rollout.cli.described import describe
from rollout.cli.folders import working_folder
from rollout.cli.options import json_option, open_thread, pass_output, thread_options
from rollout.cli.output import (
    Output,
    counted,
    emit_damage,
    emit_json,
    emit_pairs,
    one_line,
    shown_size,
    width,
)
from rollout.replay.context import Context
from rollout.store.summary import ThreadSummary
from rollout.wire.forks import forked


@click.command("fork")
@thread_options
@click.option("--before-turn", metavar="T", help="Leave the thread right before this turn.")
@click.option("--last-turn", metavar="T", help="Leave it right behind this turn: the last one that is kept.")
@click.option(
    "--exclude-turns", is_flag=True, help="Leave the turns out: the cost is the same at any length."
)
@click.option("--name", metavar="NAME", help="What to call the child; such a name stands for THREAD.")
@click.option("--cwd", metavar="FOLDER", help="Its working directory from here on. Default: the parent's.")
@click.option("--model", metavar="M", help="The model of its turns from here on. Default: the parent's.")
@json_option
@pass_output
def fork(
    output: Output,
    reference: str | None,
    last: bool,
    before_turn: str | None,
    last_turn: str | None,
    exclude_turns: bool,
    name: str | None,
    cwd: str | None,
    model: str | None,
    wants_json: bool,
) -> None:
    """Make a thread that goes on where another one stands, and print its id.

    Nothing is copied: the child refers to its parent's log, up to the end of the last complete
    turn or to the place that an option names, and holds what comes after. It can be resumed and
    recorded when the command returns; the parent is never changed, and nothing that it records
    later shows in the child.

    \b
    Examples:
      rollout fork --last --exclude-turns
      rollout fork 01a1fc4a --before-turn 01a1fc4b-0d2e-7c11-8e8a-2f6f1a0b3c4d --json
      id=$(rollout fork 01a1fc4a --name "Try the other fix")
    """
    with output.open_store() as store:
        with open_thread(store, reference, last=last) as parent:
            child = fork_thread(
                store,
                parent,
                before_turn=before_turn,
                through_turn=last_turn,
                exclude_turns=exclude_turns or not wants_json,
                name=name,
                cwd=working_folder(cwd) if cwd is not None else UNSET,
                model=model if model is not None else UNSET,
            )
        with store.open_thread(child.id) as thread:
            context = thread.context(allow_damage=True)  # the child is there: say what it is
            summary = thread.summary()
    damage = [*context.damage, *(one for one in child.damage if one not in context.damage)]
    if wants_json:
        emit_json(
            forked(
                summary,
                context,
                child.turns,
                base=child.base,
                bytes_written=child.bytes_written,
                copied_because=child.copied_because,
                open_turn_id=child.open_turn,
                damage=damage,
            )
        )
        return
    click.echo(summary.id)
    _print_child(child, summary, context)
    emit_damage(damage)


def _print_child(child: Fork, summary: ThreadSummary, context: Context) -> None:
    """Say on stderr what was made; stdout has the id alone."""
    title = summary.name or summary.preview or "(nothing inherited)"
    click.echo(click.style(one_line(title, width()), bold=True), err=True)
    pairs = [pair for pair in describe(summary) if pair[0] != "thread"]
    base = child.base
    if base is not None:
        pairs.append(("base", f"ordinal {base.end_ordinal:,}, byte {base.end_offset:,} of {base.rollout_id}"))
    elif child.copied_because is not None:
        pairs.append(("copied", child.copied_because))
    else:
        pairs.append(("base", "none: the child begins where its parent began"))
    if child.open_turn is not None:
        pairs.append(("left out", f"turn {child.open_turn}, which has not ended"))
    pairs.append(("context", f"{counted(len(context.items), 'item')}"))
    pairs.append(("written", shown_size(child.bytes_written)))
    emit_pairs(pairs, err=True)
