"""`rollout flatten`: a thread's whole history in one file."""

from __future__ import annotations

import sys
from time import monotonic
from typing import Final

import click

from fork.flatten import flatten_thread
from rollout.cli.options import find_writable_id, json_option, pass_output, thread_options
from rollout.cli.output import Output, counted, emit_json, shown_size
from rollout.wire.flattening import flattened

_PROGRESS_AFTER_SECONDS: Final = 1.0


@click.command("flatten")
@thread_options
@json_option
@pass_output
def flatten(output: Output, reference: str | None, last: bool, wants_json: bool) -> None:
    """Write a thread's whole history into a file that depends on no other.

    What the thread inherits is copied, byte for byte, and everything that it shows stays the same.
    Nobody may record it meanwhile. The files that it was made of stay where they are. A thread
    that inherits nothing is left as it is.

    A fork of a legacy thread becomes a legacy thread, which the reference client can open; where
    it holds what no legacy file can show, it is left as it is, with status 6.

    \b
    Example:
      rollout flatten 01a1fc4a

    \b
    Exit status:
      0  done, or nothing to do     5  what was sealed has been altered
      3  no such thread             6  one file cannot hold it
      4  somebody records it
    """
    progress = _Progress()
    with output.open_store() as store:
        thread_id = find_writable_id(store, reference, last=last)
        done = flatten_thread(store, thread_id, report=progress.report)
        progress.end()
        with store.open_thread(thread_id) as thread:
            summary, segments = thread.summary(), thread.segments()
    if wants_json:
        emit_json(flattened(summary, segments, done))
        return
    if done.bytes_written == 0:
        click.echo(f"thread {done.thread_id} inherits nothing: left as it is")
    else:
        size = shown_size(done.bytes_written)
        click.echo(f"thread {done.thread_id}: {counted(done.segments, 'file')} in one, {size}")
    click.echo(click.style(done.path, dim=True), err=True)


class _Progress:
    """Tells people who wait how far it is, on a terminal."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._is_drawn = False

    def report(self, total_bytes: int, written_bytes: int) -> None:
        """Take how far it is."""
        if sys.stderr.isatty() and monotonic() - self._began > _PROGRESS_AFTER_SECONDS:
            self._is_drawn = True
            click.echo(f"\r{shown_size(written_bytes)} of {shown_size(total_bytes)}", nl=False, err=True)

    def end(self) -> None:
        """End the line, if one was begun."""
        if self._is_drawn:
            click.echo("", err=True)
