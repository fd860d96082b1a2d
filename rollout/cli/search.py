"""`rollout search`: threads in which something was said."""

from __future__ import annotations

import shlex
from typing import Final

import click

from rollout.catalog.query import ThreadFilter
from rollout.catalog.search_said import Role
from rollout.cli.filters import Asked, filter_of
from rollout.cli.options import json_option, limit_options, pass_output
from rollout.cli.output import Output, counted, emit_json, emit_more, one_line, shown_time, width
from rollout.cli.progress import refresh_progress
from rollout.fs.paths import absolute_path
from rollout.store.search import FoundThread, SearchPage, SearchRequest
from rollout.store.snippets import Snippet
from rollout.wire.search import found

_INDENT: Final = "    "


@click.command("search")
@click.argument("words", metavar="WORDS", nargs=-1, required=True)
@click.option(
    "--in",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    help="Only what these said, names of tools that were called, or titles.",
)
@click.option("--cwd", "cwds", metavar="FOLDER", multiple=True, help="Only threads of this folder.")
@click.option("--since", metavar="DATE", help="Only threads that were used on this date or time, or later.")
@click.option("--archived", is_flag=True, help="Search archived threads instead of live ones.")
@limit_options
@json_option
@pass_output
def search(
    output: Output,
    /,
    words: tuple[str, ...],
    roles: tuple[str, ...],
    cwds: tuple[str, ...],
    since: str | None,
    archived: bool,
    limit: int,
    cursor: str | None,
    wants_json: bool,
) -> None:
    """Find threads by what was said in them, best first.

    Messages, names of called tools and titles hold all of the WORDS, whatever the case: `word`, `pref*`,
    `"a phrase"`, with AND, OR, NOT and ( ) between them. Text before a compaction is found, too; what a
    fork inherited is its parent's. A match is marked with « », and comes with the turn to jump to.

    The first search reads the whole home and keeps an index in the catalog; later ones read what has
    changed.

    \b
    Examples:
      rollout search lease epoch --in user --cwd .
      rollout search '"torn tail" AND (repair OR quarantine) NOT zstd' --since 2026-11-01
    """
    query = " ".join(words)
    with output.open_store() as store, refresh_progress("indexing") as report:
        where = filter_of(store, Asked(cwds=cwds, since=since)) if cwds or since else ThreadFilter()
        request = SearchRequest(query, limit, cursor, tuple(map(Role, roles)), archived, where)
        page = store.catalog.search(request, report)
    if wants_json:
        emit_json(found(page))
        return
    _print_page(page)
    given = [*words, *(part for role in roles for part in ("--in", role))]
    given += [part for cwd in cwds for part in ("--cwd", absolute_path(cwd))]
    given += [*(["--since", since] if since else []), *(["--archived"] * archived), "--limit", str(limit)]
    emit_more(f"{output.command} search {shlex.join(given)}", page.next_cursor)


def _print_page(page: SearchPage) -> None:
    for one in page.data:
        title = one.summary.name or one.summary.preview or "(nothing asked yet)"
        used = shown_time(one.summary.recency_at)
        head = f"{one.summary.id}  {used}  "
        click.echo(click.style(head, bold=True) + one_line(title, max(16, width() - len(head))))
        click.echo(f"{_INDENT}{_said(one)}: {_marked(one.snippet)}")
    if not page.data:
        click.echo("nothing found", err=True)
    elif page.total is None:
        click.echo("very many threads say that; more words find fewer", err=True)
    else:
        click.echo(f"{counted(page.total, 'thread')} in all", err=True)


def _said(one: FoundThread) -> str:
    return f"{one.role.value}, turn {one.turn_id}" if one.turn_id is not None else one.role.value


def _marked(snippet: Snippet) -> str:
    """Return a snippet with its matches marked, in colour too where there is some."""
    shown = ""
    at = 0
    for span in snippet.matches:
        match = snippet.text[span.start : span.end]
        shown += snippet.text[at : span.start] + click.style(f"«{match}»", fg="yellow", bold=True)
        at = span.end
    return shown + snippet.text[at:]
