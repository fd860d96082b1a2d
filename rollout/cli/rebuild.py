"""`rollout rebuild`: compute the catalog anew from the logs."""

from __future__ import annotations

import click

from rollout.cli.options import json_option, pass_output
from rollout.cli.output import Output, counted, emit_json, shown_size
from rollout.cli.progress import refresh_progress
from rollout.wire.catalog import rebuilt


@click.command("rebuild")
@click.option("--domain", metavar="NAME", help="Only this kind of rows; `rollout stats` lists them.")
@json_option
@pass_output
def rebuild(output: Output, domain: str | None, wants_json: bool) -> None:
    """Compute the catalog anew from the logs.

    It is a cache that keeps itself up to date: nothing is lost with it, and this is for when its rows
    are not believed. Others go on reading meanwhile; when interrupted, the next use goes on from there.

    \b
    Example:
      rollout rebuild --domain turns
    """
    with output.open_store() as store, refresh_progress("reading") as report:
        done = store.catalog.rebuild(domain, report)
    if wants_json:
        emit_json(rebuilt(done))
        return
    said = f"{counted(done.absorbed, 'file')} read, {shown_size(done.bytes_read)}"
    click.echo(f"{said}; {counted(done.settled, 'thread')} made anew")
    for folder in done.unreadable_folders:
        click.echo(click.style(f"not read: {folder}: the operating system refused", fg="yellow"), err=True)
