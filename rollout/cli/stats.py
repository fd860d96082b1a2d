"""`rollout stats`: what the catalog holds, and how far it is."""

from __future__ import annotations

import click

from rollout.cli.options import json_option, pass_output
from rollout.cli.output import Output, counted, emit_json, emit_pairs, emit_table, shown_size, shown_time
from rollout.wire.catalog import statistics


@click.command("stats")
@json_option
@pass_output
def stats(output: Output, wants_json: bool) -> None:
    """Say what the catalog holds, how far it is, and what it passed over.

    Reads the catalog and no log: `rollout rebuild` or a filtered `rollout list` brings it up to date.

    \b
    Example:
      rollout stats --json
    """
    with output.open_store() as store:
        found = store.catalog.stats()
    if wants_json:
        emit_json(statistics(found))
        return
    if found is None:
        click.echo("no catalog here yet; `rollout rebuild` makes one", err=True)
        return
    refreshed = "never" if found.refreshed_at is None else shown_time(found.refreshed_at)
    emit_pairs(
        [
            ("catalog", f"{found.path} ({shown_size(found.size_bytes)})"),
            ("refreshed", refreshed),
            ("holds", f"{counted(found.threads, 'thread')} in {counted(found.files, 'file')}"),
        ]
    )
    heads = ["DOMAIN", "KEY", "ROWS", "FILES", "BYTES", "DUE"]
    rows = [
        [
            domain.name,
            domain.key,
            f"{domain.rows:,}",
            f"{domain.files:,}",
            shown_size(domain.watermark_bytes),
            f"{counted(domain.due_files, 'file')}, {shown_size(domain.due_bytes)}"
            if domain.due_files
            else "-",
        ]
        for domain in found.domains
    ]
    emit_table(heads, rows)
    for skipped in found.skipped:
        click.echo(click.style(f"passed over: {skipped.path}: {skipped.message}", fg="yellow"), err=True)
    if found.skipped_files > len(found.skipped):
        click.echo(f"and {found.skipped_files - len(found.skipped):,} more", err=True)
