"""`rollout checkpoint`: keep what a resume needs as it is now, so that it need not read further back."""

from __future__ import annotations

import click

from rollout.cli.options import find_writable_id, json_option, pass_output, thread_options
from rollout.cli.output import Output, counted, emit_json, shown_size


@click.command("checkpoint")
@thread_options
@json_option
@pass_output
def checkpoint(output: Output, reference: str | None, last: bool, wants_json: bool) -> None:
    """Keep what a resume needs, so that it need not read further back.

    A thread made by this program gets a line in its log. For any other the log stays as it is, and
    the checkpoint goes to a file of its own, in the folder of derived files. No answer changes.

    \b
    Example:
      rollout checkpoint 01a1fc4a
    """
    with output.open_store() as store:
        kept = store.checkpoint(find_writable_id(store, reference, last=last))
    if wants_json:
        emit_json(kept)
        return
    what = f"{counted(kept.items, 'item')}, {shown_size(kept.context_bytes)} to read"
    click.echo(f"checkpoint at byte {kept.end_offset:,} of {kept.rollout_id}: {what}")
    where = "in the log" if kept.is_in_log else "beside the log"
    click.echo(f"kept {where}: {shown_size(kept.size_bytes)}, {kept.path}")
