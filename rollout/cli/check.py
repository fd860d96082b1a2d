"""`rollout check`: read everything, change nothing, list what is damaged."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Final

import click

from rollout.cli.options import json_option, open_thread, pass_output, thread_options
from rollout.cli.output import Output, counted, emit_json, shown_size
from rollout.format.record import Damage
from rollout.store.check import FileCheck
from rollout.wire.findings import Checked, checked_file, checked_lineage

_DAMAGED: Final = 5
_PROGRESS_AFTER_SECONDS: Final = 1.0


@click.command("check")
@thread_options
@click.option(
    "--lineage",
    is_flag=True,
    help="Follow the thread through its bases instead: every link, and every seal up to where it is left.",
)
@json_option
@pass_output
def check(output: Output, reference: str | None, last: bool, lineage: bool, wants_json: bool) -> int:
    """Read everything, change nothing, list what is damaged.

    Without THREAD the whole home. Damage comes with its file and byte span, and the exit
    status is 5. A last line cut short is no damage: a crash or a writer at work leaves it.

    With --lineage the history of THREAD is verified link by link, through all that it was forked
    from, and each segment comes with how many of its bytes are vouched for by seals, how many by
    the anchor of the link alone, and how many by nothing.

    \b
    Examples:
      rollout check 01a1fc4a
      rollout check 01a1fc4a --lineage --json
    """
    if lineage:
        return _check_lineage(output, reference, last=last, wants_json=wants_json)
    is_whole = reference is None and not last
    with output.open_store() as store:
        if is_whole:
            files, findings = store.files_to_check(), store.findings()
        else:
            with open_thread(store, reference, last=last) as thread:
                files, findings = store.files_to_check(thread), []
        shown: list[FileCheck] = []
        sums = [0, 0, 0]
        for checked in progress(store.check(files), len(files)):
            sums[0] += checked.size_bytes
            sums[1] += checked.records
            sums[2] += len(checked.damage)
            if not checked.is_sound or checked.torn_tail is not None or not is_whole:
                shown.append(checked)
    is_sound = all(one.is_sound for one in shown) and not findings
    if wants_json:
        data = [checked_file(one) for one in shown]
        emit_json(Checked(data, findings, len(files), sums[0], sums[1], sums[2]))
    else:
        for one in shown:
            _print(one)
        for finding in findings:
            click.echo(click.style(f"not a thread: {finding.problem.message}", fg="yellow"))
        verdict = _verdict(sums[2], sum(one.problem is not None for one in shown), len(findings))
        total = f"{counted(len(files), 'file')}, {counted(sums[1], 'record')}, {shown_size(sums[0])}"
        click.echo(f"{total}: {click.style(verdict, fg='green' if is_sound else 'red')}")
    return 0 if is_sound else _DAMAGED


def _check_lineage(output: Output, reference: str | None, *, last: bool, wants_json: bool) -> int:
    with output.open_store() as store, open_thread(store, reference, last=last) as thread:
        found = thread.check_lineage()
    if wants_json:
        emit_json(checked_lineage(found))
        return 0 if found.is_sound else _DAMAGED
    for one in found.segments:
        until = f" to ordinal {one.end_ordinal:,}" if one.end_ordinal is not None else ""
        click.echo(f"{one.path}{until}")
        click.echo(
            f"  {shown_size(one.size_bytes)}: {shown_size(one.sealed_bytes)} sealed, "
            f"{shown_size(one.anchored_bytes)} anchored, {shown_size(one.unvouched_bytes)} neither"
        )
        _print_damage(one.damage, one.torn_tail)
    verdict = _verdict(len(found.damage), 0, 0)
    records = sum(one.records for one in found.segments)
    total = f"{counted(len(found.segments), 'segment')}, {counted(records, 'record')}"
    click.echo(f"{total}: {click.style(verdict, fg='green' if found.is_sound else 'red')}")
    return 0 if found.is_sound else _DAMAGED


def progress(checks: Iterable[FileCheck], files: int) -> Iterator[FileCheck]:
    """Yield checks as they come, and tell people who wait how far it is."""
    began = monotonic()
    size_bytes = 0
    for done, checked in enumerate(checks, 1):
        size_bytes += checked.size_bytes
        yield checked
        if sys.stderr.isatty() and monotonic() - began > _PROGRESS_AFTER_SECONDS:
            click.echo(f"\r{done:,} of {files:,} files, {shown_size(size_bytes)}", nl=False, err=True)
            if done == files:
                click.echo("", err=True)


def _verdict(spans: int, unreadable: int, strays: int) -> str:
    found = [
        f"{counted(spans, 'span')} of damage" if spans else "",
        f"{counted(unreadable, 'file')} that cannot be read as a thread" if unreadable else "",
        f"{counted(strays, 'finding')} beside the threads" if strays else "",
    ]
    return ", ".join(part for part in found if part) or "sound"


def _print(one: FileCheck) -> None:
    if one.is_sound and one.torn_tail is None and not one.passed_over:
        return
    click.echo(one.path)
    if one.problem is not None:
        click.echo(f"  {click.style('problem', fg='red')}  {one.problem.message}")
    _print_damage(one.damage, one.torn_tail)
    for reason, count in sorted(one.passed_over.items()):
        click.echo(f"  note  {counted(count, 'line')} passed over: {reason}")


def _print_damage(damages: Iterable[Damage], torn_tail: Damage | None) -> None:
    for damage in damages:
        span = f"bytes {damage.start_offset}-{damage.end_offset}"
        click.echo(f"  {click.style('damage', fg='red')}  {span}  {damage.reason.value}: {damage.detail}")
    if torn_tail is not None:
        span = f"bytes {torn_tail.start_offset}-{torn_tail.end_offset}"
        click.echo(f"  note  {span}  {torn_tail.detail}")
