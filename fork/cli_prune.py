"""`rollout prune`: reclaim what deleted threads left and nobody needs."""

from __future__ import annotations

import sys
from typing import Final

import click

from fork.prune import Kept, KeptReason, PrunePlan, PruneStep, StepKind, plan_prune
from fork.reclaim import Pruned, apply_prune
from rollout.cli.app import EXIT_STATUS
from rollout.cli.options import json_option, pass_output
from rollout.cli.output import Output, counted, emit_error, emit_json, shown_size
from rollout.errors import InvalidRequest
from rollout.store.summary import problem_of
from rollout.wire import keeping

_UNREADABLE: Final = 5
_WHY: Final = {
    KeptReason.NEEDED: "needed by the history of a thread that is there",
    KeptReason.COMPRESSED: "needed in part; a compressed file is not cut",
    KeptReason.UNREADABLE: "it cannot be read, or its tombstone cannot",
    KeptReason.UNKNOWN: "another file cannot be read, and may need it",
}


@click.command("prune")
@click.option("--dry-run", is_flag=True, help="Print the plan, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--superseded", is_flag=True, help="Take older files of living threads as well.")
@json_option
@pass_output
def prune(output: Output, dry_run: bool, yes: bool, superseded: bool, wants_json: bool) -> int:
    """Reclaim what deleted threads left and nobody needs.

    Of a deleted thread every file goes that no history reaches, and of one that is needed in part
    what lies behind; then its name, and in the end the mark that it was deleted. What goes is gone
    for good. With --superseded the same holds for older files of threads that are there, which
    `rollout revert` and `rollout flatten` leave.

    What cannot be read is kept. While a file cannot even be looked into, nothing is reclaimed: it
    may need any of the rest; the exit status is 5 then. A thread that somebody has open is left
    alone: status 4. The plan is printed and, on a terminal, asked about; elsewhere pass --yes.

    \b
    Example:
      rollout prune --dry-run
    """
    with output.open_store() as store:
        plan = plan_prune(store, superseded=superseded)
        if not wants_json:
            _print_plan(plan)
        tried: list[Pruned] = []
        if plan.steps and not dry_run and _is_wanted(yes=yes, wants_json=wants_json):
            tried = list(apply_prune(store, plan))
    if wants_json:
        emit_json(_shown(plan, tried))
    else:
        _print_outcome(plan, tried)
    left = _UNREADABLE if plan.unreadable else 0
    return max([left, *(EXIT_STATUS[one.error.code] for one in tried if one.error is not None)])


def _is_wanted(*, yes: bool, wants_json: bool) -> bool:
    if yes:
        return True
    if wants_json or not sys.stdin.isatty():
        raise InvalidRequest(
            "pruning: what goes is gone for good, and there is nobody to ask",
            hint="Look at --dry-run, then pass --yes.",
        )
    return click.confirm("reclaim this?", err=True)


def _print_plan(plan: PrunePlan) -> None:
    by_thread: dict[str, list[PruneStep]] = {}
    for step in plan.steps:
        by_thread.setdefault(step.thread_id, []).append(step)
    kept: dict[str, list[Kept]] = {}
    for one in plan.kept:
        kept.setdefault(one.thread_id, []).append(one)
    for thread_id in dict.fromkeys([*by_thread, *kept]):
        click.echo(f"thread {thread_id}")
        for step in by_thread.get(thread_id, ()):
            mark = click.style("goes", fg="red")
            click.echo(f"  {mark}   {shown_size(step.size_bytes):>8}  {_act(step)}")
        for one in kept.get(thread_id, ()):
            mark = click.style("stays", fg="green")
            click.echo(f"  {mark}  {shown_size(one.size_bytes):>8}  {one.path}: {_WHY[one.reason]}")
    for unknown in plan.unreadable:
        click.echo(f"{unknown.path}\n  {click.style('unknown', fg='yellow')}  {unknown.problem.message}")


def _act(step: PruneStep) -> str:
    match step.kind:
        case StepKind.TAIL:
            return f"{step.path}: bytes {step.start_offset}-{step.end_offset}"
        case StepKind.NAME:
            return f"{step.path}: its names"
        case _:
            return step.path


def _print_outcome(plan: PrunePlan, tried: list[Pruned]) -> None:
    for one in tried:
        if one.error is not None:
            emit_error(one.error.code, one.error.message, one.error.hint, wants_json=False)
    done = [one.step for one in tried if one.error is None]
    if not plan.steps:
        click.echo("nothing to reclaim")
    elif not tried:
        click.echo(f"{shown_size(plan.size_bytes)} to reclaim in {counted(len(plan.steps), 'step')}")
    else:
        size = shown_size(sum(step.size_bytes for step in done))
        failed = f", {counted(len(tried) - len(done), 'step')} not done" if len(done) < len(tried) else ""
        click.echo(f"{size} reclaimed in {counted(len(done), 'step')}{failed}")


def _shown(plan: PrunePlan, tried: list[Pruned]) -> keeping.Prune:
    planned = [_shown_step(Pruned(step), is_applied=False) for step in plan.steps[len(tried) :]]
    done = [_shown_step(one, is_applied=one.error is None) for one in tried]
    kept = [
        keeping.Kept(one.path, one.thread_id, one.rollout_id, one.size_bytes, one.reason.value)
        for one in plan.kept
    ]
    reclaimed = sum(one.step.size_bytes for one in tried if one.error is None)
    return keeping.Prune(done + planned, kept, plan.unreadable, plan.size_bytes, reclaimed)


def _shown_step(one: Pruned, *, is_applied: bool) -> keeping.PruneStep:
    step = one.step
    return keeping.PruneStep(
        step.kind.value,
        step.path,
        step.thread_id,
        step.rollout_id,
        step.start_offset,
        step.end_offset,
        is_applied,
        problem_of(one.error) if one.error is not None else None,
    )
