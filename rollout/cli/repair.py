"""`rollout repair`: mend what can be mended without losing a byte."""

from __future__ import annotations

from typing import Final

import click

from rollout.cli.app import EXIT_STATUS
from rollout.cli.check import progress
from rollout.cli.options import find_known_id, json_option, pass_output, thread_options
from rollout.cli.output import Output, counted, emit_error, emit_json
from rollout.errors import InvalidRequest
from rollout.store.repair import Repaired, RepairPlan, RepairStep, StepKind
from rollout.store.store import Store
from rollout.wire.repair import repair as shown_repair

_DAMAGED: Final = 5


@click.command("repair")
@thread_options
@click.option("--dry-run", is_flag=True, help="Print the plan, and change nothing.")
@json_option
@pass_output
def repair(output: Output, reference: str | None, last: bool, dry_run: bool, wants_json: bool) -> int:
    """Mend what can be mended without losing a byte.

    Without THREAD the whole home. A last line that was cut short goes to quarantine, in
    .rollout/quarantine/ of the home; a whole one that lacks its newline gets it; drafts of files
    that were never published go to quarantine. Sound files stay as they are, to the byte.

    Damage before the end of a log stays where it is: readers pass over it and say so, and nothing
    could be put in its place. While any is left, the exit status is 5. A thread that somebody
    writes to is not touched: status 4.

    \b
    Example:
      rollout repair --dry-run
    """
    with output.open_store() as store:
        thread_id = _find_id(store, reference, last=last)
        files = store.files_to_repair(thread_id)
        plan = store.plan_repair(progress(store.check(files), len(files)), thread_id)
        if not wants_json:
            _print_plan(plan)
        tried = [] if dry_run or not plan.steps else list(store.apply_repair(plan))
    failed = [one.error for one in tried if one.error is not None]
    if failed and thread_id is not None:
        raise failed[0]
    if wants_json:
        emit_json(shown_repair(plan, tried))
    else:
        _print_outcome(plan, tried, is_planned=dry_run)
    left = _DAMAGED if plan.leaves_damage else 0
    return max([left, *(EXIT_STATUS[error.code] for error in failed)])


def _find_id(store: Store, reference: str | None, *, last: bool) -> str | None:
    """Return the id of the thread to repair, which need not be readable; None for the whole home."""
    if last and reference is not None:
        raise InvalidRequest(
            "choosing a thread: expected either THREAD or --last", hint="Leave one of them out."
        )
    return find_known_id(store, reference, last=last) if last or reference is not None else None


def _print_plan(plan: RepairPlan) -> None:
    for path in dict.fromkeys([step.path for step in plan.steps] + [one.path for one in plan.damage]):
        click.echo(path)
        for step in plan.steps:
            if step.path == path:
                click.echo(f"  {click.style('mend', fg='green')}  {_act(step)}")
        for damage in plan.damage:
            if damage.path == path:
                span = f"bytes {damage.start_offset}-{damage.end_offset}"
                why = f"{damage.reason.value}: {damage.detail}"
                click.echo(f"  {click.style('stays', fg='red')}  {span}  {why}")
    for one in plan.unreadable:
        click.echo(f"{one.path}\n  {click.style('stays', fg='red')}  {one.problem.message}")


def _act(step: RepairStep) -> str:
    span = f"bytes {step.start_offset}-{step.end_offset}"
    match step.kind:
        case StepKind.TORN_TAIL:
            return f"{span}  a last line cut short: to quarantine"
        case StepKind.MISSING_NEWLINE:
            return f"byte {step.end_offset}  a last line without its newline: add it"
        case StepKind.DRAFT:
            return f"{span}  a draft that was never published: to quarantine"


def _print_outcome(plan: RepairPlan, tried: list[Repaired], *, is_planned: bool) -> None:
    for one in tried:
        if one.error is not None:
            emit_error(one.error.code, one.error.message, one.error.hint, wants_json=False)
        elif one.quarantine is not None:
            click.echo(click.style(f"kept: {one.quarantine}", dim=True), err=True)
    done = sum(one.error is None for one in tried)
    parts = [counted(len(plan.steps), "thing") + " to mend"] if is_planned and plan.steps else []
    parts += [f"{counted(done, 'thing')} mended"] if done else []
    parts += [f"{counted(len(tried) - done, 'thing')} not mended"] if done < len(tried) else []
    parts += [f"{counted(len(plan.damage), 'span')} of damage left"] if plan.damage else []
    parts += [f"{counted(len(plan.unreadable), 'file')} unreadable"] if plan.unreadable else []
    click.echo(", ".join(parts) or "nothing to mend")
