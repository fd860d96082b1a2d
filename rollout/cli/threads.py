"""`rollout list`: threads by page."""

from __future__ import annotations

import shlex
from typing import Any, Final

import click

from rollout.cli.described import title_of
from rollout.cli.filters import Asked, filter_of, filter_options
from rollout.cli.options import choice_option, json_option, limit_options, pass_output
from rollout.cli.output import Output, emit_json, emit_more, emit_table, one_line, shown_time, width
from rollout.cli.progress import refresh_progress
from rollout.store.listing import Listing, ListRequest
from rollout.store.places import SortKey
from rollout.store.summary import ThreadSummary
from rollout.wire.threads import thread_page

_NARROW: Final = 110
_WIDE: Final = 140


@click.command("list")
@limit_options
@choice_option("--sort", "sort", SortKey, SortKey.CREATED, "Newest first by this time.")
@click.option("--archived", is_flag=True, help="List archived threads instead of live ones.")
@filter_options
@json_option
@pass_output
def list_threads(
    output: Output,
    /,
    limit: int,
    cursor: str | None,
    sort: str,
    archived: bool,
    wants_json: bool,
    **options: Any,
) -> None:
    """List the threads of the home, newest first.

    Whatever is on disk is listed; a file that cannot be read comes with what is wrong with it. The first
    listing with a filter reads the whole home and keeps a catalog; later ones read what has changed.

    \b
    Examples:
      rollout list --sort updated --limit 10
      rollout list --cwd . --since 2026-11-01
    """
    asked = Asked(**options)
    with output.open_store() as store, refresh_progress("reading") as report:
        where = filter_of(store, asked)
        request = ListRequest(limit, cursor, SortKey(sort), is_archived=archived, where=where)
        listing = store.catalog.list_threads(request, report)
    if wants_json:
        emit_json(thread_page(listing))
        return
    _print_listing(listing, SortKey(sort))
    given = shlex.join(
        ["--limit", str(limit), "--sort", sort, *(["--archived"] * archived), *asked.options()]
    )
    emit_more(f"{output.command} list {given}", listing.next_cursor)


def _print_listing(listing: Listing, sort: SortKey) -> None:
    if not listing.data:
        click.echo("no threads here", err=True)
    else:
        heads = ["THREAD", sort.value.upper(), "MODEL", "WHERE", "TITLE"]
        rows = [
            [
                summary.id,
                shown_time(_time_of(summary, sort)),
                one_line(summary.model or "-", 20),
                one_line(summary.cwd or "-", 32),
                title_of(summary),
            ]
            for summary in listing.data
        ]
        # A title says more than a model or a folder: on a narrow terminal those make room.
        kept = [0, 1, 4] if width() < _NARROW else [0, 1, 3, 4] if width() < _WIDE else range(5)
        emit_table([heads[at] for at in kept], [[row[at] for at in kept] for row in rows])
    for finding in listing.findings:
        click.echo(click.style(f"not a thread: {finding.problem.message}", fg="yellow"), err=True)


def _time_of(summary: ThreadSummary, sort: SortKey) -> int:
    if sort is SortKey.UPDATED:
        return summary.updated_at
    return summary.created_at if sort is SortKey.CREATED else summary.recency_at
