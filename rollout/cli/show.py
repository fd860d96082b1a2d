"""`rollout show`: one thread, and the files that its history lies in."""

from __future__ import annotations

import click

from rollout.cli.described import describe, title_of
from rollout.cli.options import json_option, open_thread, pass_output, thread_options
from rollout.cli.output import Output, emit_json, emit_pairs, one_line, shown_size, shown_time, width
from rollout.wire.threads import shown


@click.command("show")
@thread_options
@json_option
@pass_output
def show(output: Output, reference: str | None, last: bool, wants_json: bool) -> None:
    """Show one thread: where it is, what it is, what it stands on.

    \b
    Example:
      rollout show --last
    """
    with output.open_store() as store, open_thread(store, reference, last=last) as thread:
        summary, segments = thread.summary(), thread.segments()
    if wants_json:
        emit_json(shown(summary, segments))
        return
    click.echo(click.style(one_line(title_of(summary), width()), bold=True))
    emit_pairs(
        [
            *describe(summary),
            ("created", shown_time(summary.created_at)),
            ("updated", shown_time(summary.updated_at)),
            ("client", f"{summary.originator or '-'} {summary.cli_version}".strip()),
        ]
    )
    for segment in segments:
        size = shown_size(segment.end_offset - segment.start_offset)
        until = "" if segment.end_ordinal is None else f", up to ordinal {segment.end_ordinal}"
        click.echo(f"  {segment.path}  ({size}{until})")
