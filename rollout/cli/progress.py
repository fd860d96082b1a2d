"""Progress of a refresh on a terminal: drawn on stderr, and only once it has taken a second."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from rollout.catalog.refresh import Progress

_AFTER_SECONDS: Final = 1.0


@contextmanager
def refresh_progress(what: str) -> Iterator[Callable[[Progress], None] | None]:
    """Give what is to be told how far a refresh is; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    began = monotonic()
    bar: Bar | None = None

    def report(progress: Progress) -> None:
        nonlocal bar
        if monotonic() - began < _AFTER_SECONDS:
            return
        if bar is None:
            bar = _begin(what)
        (task,) = bar.task_ids
        bar.update(
            task,
            completed=progress.bytes_done,
            total=progress.bytes_total,
            files=f"{progress.files_done:,} of {progress.files:,} files",
        )

    try:
        yield report
    finally:
        if bar is not None:
            bar.stop()


def _begin(what: str) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.fields[files]}"),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.add_task(what, files="")
    bar.start()
    return bar
