"""`rollout compress` and `rollout decompress`: cold threads take an eighth of the disk, read as before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import click

from rollout.catalog.refresh import Progress
from rollout.cli.app import EXIT_STATUS
from rollout.cli.options import find_known_id, json_option, pass_output, thread_options
from rollout.cli.output import Output, counted, emit_error, emit_json, shown_size
from rollout.cli.progress import refresh_progress
from rollout.store.compressing import (
    DEFAULT_WORKERS,
    LEVELS,
    MIN_SIZE_BYTES,
    OLDER_THAN_MS,
    Candidate,
    Compressed,
    Outcome,
    apply_compressing,
    decompress,
    plan_compressing,
)
from rollout.wire.compressing import compression, decompression

_UNITS_MS: Final = {"s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_UNITS_BYTES: Final = {"": 1, "b": 1, "k": 1000, "kb": 1000, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9}


class _Measure(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """A number with a unit."""

    def __init__(self, name: str, units: dict[str, int], example: str) -> None:
        self.name = name
        self._units = units
        self._example = example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,9})\s*([a-z]*)", str(value).strip().lower())
        if found is not None and found[1] == "0" * len(found[1]):
            return 0
        if found is None or found[2] not in self._units:
            self.fail(f"{value!r} is no {self.name}: expected one such as {self._example}", param, ctx)
        return int(found[1]) * self._units[found[2]]


@click.command("compress")
@click.argument("references", metavar="[THREAD]...", nargs=-1)
@click.option(
    "--older-than",
    "older_than_ms",
    type=_Measure("age", _UNITS_MS, "7d, 12h or 30min"),
    metavar="AGE",
    help="Only files that nobody changed for so long. Default: 7d, for threads that are named 0.",
)
@click.option(
    "--min-size",
    "min_size_bytes",
    type=_Measure("size", _UNITS_BYTES, "64k or 1M"),
    default=MIN_SIZE_BYTES,
    metavar="SIZE",
    help="Only files of at least this size. Default: 4096 bytes.",
)
@click.option(
    "--level",
    type=click.IntRange(LEVELS[0], LEVELS[-1]),
    default=3,
    show_default=True,
    metavar="N",
    help="From 1, fast, to 19, small: 9 takes six times as long to save 7 % more.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=DEFAULT_WORKERS,
    show_default=True,
    metavar="N",
    help="How many threads are compressed side by side.",
)
@click.option("--dry-run", is_flag=True, help="Say how much would be saved, and change nothing.")
@json_option
@pass_output
def compress(
    output: Output,
    references: tuple[str, ...],
    older_than_ms: int | None,
    min_size_bytes: int,
    level: int,
    workers: int,
    dry_run: bool,
    wants_json: bool,
) -> int:
    """Compress threads that nobody uses: an eighth of the size, and read as before.

    Without THREAD every thread of the home that is old enough, archived ones included. Each file is
    replaced by one that any zstd decoder reads, after that has been read back and compared; cut
    short, it is finished by doing it again. Nothing else changes: threads are listed, resumed, paged
    and forked as before, reading no more than they need; whoever appends to one makes it plain again.

    A thread that somebody has open is skipped: status 4, if it was named. A file that would not be
    shorter stays as it is.

    \b
    Example:
      rollout compress --older-than 30d --dry-run
    """
    with output.open_store() as store:
        named = [find_known_id(store, one, last=False) for one in references] or None
        if older_than_ms is None:
            older_than_ms = 0 if named else OLDER_THAN_MS
        around = store.surroundings()
        plan = plan_compressing(around, named, older_than_ms=older_than_ms, min_size_bytes=min_size_bytes)
        done = list(
            _watched(plan, apply_compressing(around, plan, level=level, workers=workers, is_dry_run=dry_run))
        )
    if wants_json:
        emit_json(compression(done))
    else:
        _print(done)
    counts = {Outcome.FAILED, Outcome.SKIPPED} if named else {Outcome.FAILED}
    return max([0, *(EXIT_STATUS[one.error.code] for one in done if one.error and one.outcome in counts)])


@click.command("decompress")
@thread_options
@json_option
@pass_output
def decompress_thread(output: Output, reference: str | None, last: bool, wants_json: bool) -> None:
    """Make the files of a thread plain again, whoever compressed them.

    A compressed file that cannot be unpacked to its end stays as it is: status 5. Appending does
    this by itself. While somebody has the thread open nothing is changed: status 4.

    \b
    Example:
      rollout decompress 01a1fc4a
    """
    with output.open_store() as store:
        thawed = decompress(store.surroundings(), find_known_id(store, reference, last=last))
    if wants_json:
        emit_json(decompression(thawed))
        return
    if not thawed.paths:
        click.echo(f"thread {thawed.thread_id} is not compressed")
        return
    click.echo(f"decompressed thread {thawed.thread_id}: {counted(len(thawed.paths), 'file')}")
    for path in thawed.paths:
        click.echo(click.style(path, dim=True), err=True)


def _watched(plan: list[Candidate], found: Iterator[Compressed]) -> Iterator[Compressed]:
    """Yield what becomes of rollouts, telling how far it is."""
    total = sum(one.size_bytes for one in plan)
    with refresh_progress("compressing") as report:
        size_bytes = 0
        for files, one in enumerate(found, 1):
            size_bytes += one.size_bytes
            if report is not None:
                report(Progress(files, len(plan), size_bytes, total))
            yield one


def _print(done: list[Compressed]) -> None:
    for one in done:
        if one.outcome is Outcome.FAILED and one.error is not None:
            emit_error(one.error.code, one.error.message, one.error.hint, wants_json=False)
        elif one.reason is not None:
            click.echo(click.style(f"skipped: {one.path}: {one.reason}", dim=True), err=True)
    shown = compression(done)
    is_planned = any(one.outcome is Outcome.PLANNED for one in done)
    packed = [one for one in done if one.outcome in {Outcome.COMPRESSED, Outcome.PLANNED}]
    if not packed:
        click.echo("nothing to compress" if not done else "nothing compressed")
        return
    sizes = f"{shown_size(shown.bytes_before)} to {shown_size(shown.bytes_after)}"
    saved = shown_size(shown.bytes_before - shown.bytes_after)
    verb = "to compress" if is_planned else "compressed"
    click.echo(
        f"{counted(len(packed), 'file')} {verb}: {sizes}, {saved} {'to save' if is_planned else 'saved'}"
    )
