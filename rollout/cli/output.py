"""What the command line prints: JSON for programs, columns and short lines for people.

stdout carries the answer, stderr errors, hints and progress. Colour is never the only signal.
"""

from __future__ import annotations

import shlex
import sys
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from rollout.errors import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.format.record import Damage
    from rollout.store.store import Store

_KILO: Final = 1000
_MILLI: Final = 1000
_FILE_WIDTH: Final = 200


class Output:
    """What every command is handed: which home, how to open it, and how the call began."""

    def __init__(
        self, home: str, max_line_bytes: int | None, state_dir: str | None, *, is_named: bool
    ) -> None:
        self.home = home
        self.command = f"rollout --home {shlex.quote(home)}" if is_named else "rollout"
        self._max_line_bytes = max_line_bytes
        self._state_dir = state_dir

    def open_store(self) -> Store:
        """Open the store over the chosen home. Raise NotFound."""
        from rollout.fs.paths import absolute_path
        from rollout.store.root import open_store

        given: dict[str, Any] = {}
        if self._max_line_bytes is not None:
            given["max_line_bytes"] = self._max_line_bytes
        if self._state_dir is not None:
            given["state_dir"] = absolute_path(self._state_dir) if self._state_dir else None
        return open_store(self.home, **given)


def emit_json(value: Any) -> None:
    """Print one JSON value on one line."""
    sys.stdout.flush()
    sys.stdout.buffer.write(_encoded(value))


def write_json(value: Any, path: str) -> None:
    """Write one JSON value to a file: all of it or nothing. Raise StorageFailed."""
    from pathlib import Path

    target = Path(path)
    is_replaceable = target.is_file() or not target.exists()
    try:
        with click.open_file(path, "wb", atomic=is_replaceable) as out:
            out.write(_encoded(value))
    except OSError as error:
        raise StorageFailed(
            f"writing {path}: {error.strerror or error}", hint="Name a file that you may write."
        ) from error


def _encoded(value: Any) -> bytes:
    import msgspec

    try:
        return msgspec.json.encode(value) + b"\n"
    except UnicodeEncodeError:
        return msgspec.json.encode(_as_text(value)) + b"\n"


def _as_text(value: Any) -> Any:
    """Return a value with a mark for every byte of a file name that is no text."""
    import msgspec

    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list | tuple):
        return [_as_text(one) for one in value]
    if isinstance(value, msgspec.Struct):
        members = {name: _as_text(getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **members)
    return value


def emit_error(code: str, message: str, hint: str | None, *, wants_json: bool) -> None:
    """Print what went wrong to stderr, and what to do next."""
    if wants_json:
        import json

        reply = {"error": {"code": code, "message": message, "hint": hint}}
        click.echo(json.dumps(reply, ensure_ascii=False), err=True)
        return
    click.echo(f"{click.style('rollout:', fg='red')} {message}", err=True)
    if hint is not None:
        click.echo(f"hint: {hint}", err=True)


def usage_hint(error: click.ClickException) -> str:
    """Return what to do after a mistake in the call."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "rollout"
    return f"Run `{command} --help` to see what it takes."


def emit_more(command: str, cursor: str | None) -> None:
    """Say on stderr how to get the next page, if there is one."""
    if cursor is not None:
        click.echo(click.style(f"more: {command} --cursor {shlex.quote(cursor)}", dim=True), err=True)


def width() -> int:
    """Return the columns of the terminal, or what suits a file: there, long lines hurt nobody."""
    import shutil

    return shutil.get_terminal_size((_FILE_WIDTH, 24)).columns


def columns_of(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def emit_damage(found: Iterable[Damage]) -> None:
    """Say on stderr what is wrong with the bytes that were read."""
    for damage in found:
        what = "damage" if damage.is_damage else "note"
        span = f"bytes {damage.start_offset}-{damage.end_offset}"
        click.echo(click.style(f"{what}: {damage.path}, {span}: {damage.detail}", fg="yellow"), err=True)


def one_line(text: str, columns: int) -> str:
    """Return a text on one line, cut to `columns` with a mark where something is missing."""
    joined = "".join(letter if letter.isprintable() else " " for letter in text)
    joined = " ".join(joined.split())
    if columns_of(joined) <= columns:
        return joined
    kept = ""
    left = columns - 1
    for letter in joined:
        left -= columns_of(letter)
        if left < 0:
            break
        kept += letter
    return kept.rstrip() + "…"


def emit_table(heads: list[str], rows: list[list[str]]) -> None:
    """Print rows under their heads; the last column takes what the terminal leaves."""
    widths = [max(columns_of(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    last = max(16, width() - sum(widths[:-1]) - 2 * (len(heads) - 1))
    for number, row in enumerate([heads, *rows]):
        cells = [cell + " " * (widths[at] - columns_of(cell)) for at, cell in enumerate(row[:-1])]
        line = "  ".join([*cells, one_line(row[-1], last)]).rstrip()
        click.echo(click.style(line, bold=True) if number == 0 else line)


def emit_pairs(pairs: list[tuple[str, str]], *, err: bool = False) -> None:
    """Print names and values, one pair a line, values aligned; on stderr what is no answer."""
    widest = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        click.echo(f"{click.style(name.ljust(widest), dim=True)}  {value}", err=err)


def shown_size(size_bytes: int) -> str:
    """Return a size a person can read: 212 kB."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < _KILO:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.3g} {unit}"
        size /= _KILO
    return f"{size:.3g} TB"


def shown_duration(millis: float) -> str:
    """Return a duration a person can read."""
    if millis < _MILLI:
        return f"{millis:.0f} ms" if millis >= 10 else f"{millis:.2g} ms"
    seconds = millis / _MILLI
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def shown_time(millis: int) -> str:
    """Return a time in the zone of the reader."""
    try:
        return datetime.fromtimestamp(millis / _MILLI, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return "(no time)"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 turn, 4,000 turns."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
