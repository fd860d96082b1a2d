"""The rows of threads: a column for whatever a listing sorts, filters or shows by.

A row is what `describe` (the store's own summary of the thread's files) says, joined with what the newest
rollout's records say. Invariant 5: nothing here is the only place where it is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from rollout.catalog.domains import Domain
from rollout.catalog.extract import Extract, ExtractReader

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

_WORDS: Final = "coalesce({row}.name, '') || char(10, 10) || {row}.title || char(10, 10)"
"""Two line ends behind each, so that three letters in a row begin with every one of them."""
IS_CUT: Final = "(instr(title, char(0)) OR instr(coalesce(name, ''), char(0)))"
"""Whose title is known by its letters only up to a NUL."""
_ADD_TITLE: Final = f"INSERT INTO titles(rowid, words) VALUES(new.rowid, {_WORDS.format(row='new')});"
_DROP_TITLE: Final = (
    f"INSERT INTO titles(titles, rowid, words) VALUES('delete', old.rowid, {_WORDS.format(row='old')});"
)

SCHEMA: Final = (
    """CREATE TABLE extracts(
  file_id INTEGER PRIMARY KEY,
  stored BLOB NOT NULL
) STRICT""",
    """CREATE TABLE threads(
  thread_id TEXT PRIMARY KEY,
  file_id INTEGER NOT NULL,
  path TEXT NOT NULL,
  is_archived INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  recency_at INTEGER NOT NULL,
  created_place INTEGER NOT NULL,
  updated_place INTEGER NOT NULL,
  recency_place INTEGER NOT NULL,
  source_kind TEXT NOT NULL,
  source TEXT NOT NULL,
  agent_nickname TEXT,
  agent_role TEXT,
  agent_path TEXT,
  parent_thread_id TEXT,
  forked_from_id TEXT,
  model_provider TEXT NOT NULL,
  model TEXT,
  reasoning_effort TEXT,
  cwd TEXT NOT NULL,
  cli_version TEXT NOT NULL,
  name TEXT,
  title TEXT NOT NULL,
  first_user_message TEXT NOT NULL,
  preview TEXT NOT NULL,
  sandbox_policy TEXT,
  approval_mode TEXT,
  tokens_used INTEGER NOT NULL,
  git_sha TEXT,
  git_branch TEXT,
  git_origin_url TEXT,
  memory_mode TEXT NOT NULL,
  problem_code TEXT,
  shown BLOB NOT NULL
) STRICT""",
    *(
        # Behind the order stands what is filtered by, so that a row that is not wanted is never fetched.
        f"CREATE INDEX threads_by_{sort} ON threads"
        f"(is_archived, {sort}_place, thread_id, cwd, source_kind, model_provider)"
        for sort in ("created", "updated", "recency")
    ),
    "CREATE INDEX threads_by_parent ON threads(parent_thread_id) WHERE parent_thread_id IS NOT NULL",
    "CREATE INDEX threads_by_file ON threads(file_id)",
    # Which three letters in a row names and titles have: a part that few of them have is found at once.
    (
        "CREATE VIRTUAL TABLE titles USING"
        " fts5(words, content='', detail=none, tokenize='trigram case_sensitive 1')"
    ),
    f"CREATE INDEX threads_cut ON threads(file_id) WHERE {IS_CUT}",
    f"CREATE TRIGGER threads_titled AFTER INSERT ON threads BEGIN {_ADD_TITLE} END",
    f"CREATE TRIGGER threads_untitled AFTER DELETE ON threads BEGIN {_DROP_TITLE} END",
    (
        "CREATE TRIGGER threads_retitled AFTER UPDATE OF name, title ON threads"
        f" WHEN old.name IS NOT new.name OR old.title IS NOT new.title BEGIN {_DROP_TITLE} {_ADD_TITLE} END"
    ),
)
_READ_ONLY: Final = "read-only"
_ON_REQUEST: Final = "on-request"
_ENABLED: Final = "enabled"


class Described(Struct, frozen=True, kw_only=True):
    """What the store says of a thread as it is on disk now. Times in UTC milliseconds.

    A `*_place` is where the thread stands in the order by that time. `shown` is what a listing shows,
    in a form that the store alone reads.
    """

    thread_id: str
    path: str
    is_archived: bool
    created_at: int
    updated_at: int
    recency_at: int
    created_place: int
    updated_place: int
    recency_place: int
    source_kind: str
    parent_thread_id: str | None
    forked_from_id: str | None
    model_provider: str
    model: str | None
    reasoning_effort: str | None
    cwd: str
    cli_version: str
    preview: str
    agent_nickname: str | None
    agent_role: str | None
    problem_code: str | None
    shown: bytes


_COLUMNS: Final = [
    "thread_id",
    "file_id",
    "path",
    "is_archived",
    "created_at",
    "updated_at",
    "recency_at",
    "created_place",
    "updated_place",
    "recency_place",
    "source_kind",
    "source",
    "agent_nickname",
    "agent_role",
    "agent_path",
    "parent_thread_id",
    "forked_from_id",
    "model_provider",
    "model",
    "reasoning_effort",
    "cwd",
    "cli_version",
    "name",
    "title",
    "first_user_message",
    "preview",
    "sandbox_policy",
    "approval_mode",
    "tokens_used",
    "git_sha",
    "git_branch",
    "git_origin_url",
    "memory_mode",
    "problem_code",
    "shown",
]
_ROWS_AT_ONCE: Final = 64
_INSERT: Final = f"INSERT INTO threads({', '.join(_COLUMNS)}) VALUES "  # noqa: S608  # our own names
_ROW: Final = f"({', '.join('?' * len(_COLUMNS))})"
_OR_UPDATE: Final = (
    " ON CONFLICT(thread_id) DO UPDATE SET"
    f" {', '.join(f'{column} = excluded.{column}' for column in _COLUMNS[1:])}"
)


class ThreadRow(Struct, frozen=True):
    """What the row of a thread is made from."""

    file_id: int
    described: Described
    extract: Extract
    name: str | None


def write_threads(connection: sqlite3.Connection, rows: Sequence[ThreadRow]) -> None:
    """Write the rows of threads, in place of older ones.

    Many in a statement: before each that fires triggers SQLite writes out what FTS5 has gathered in memory.
    """
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        values = [value for row in some for value in _values(row)]
        connection.execute(_INSERT + ", ".join([_ROW] * len(some)) + _OR_UPDATE, values)


def _values(row: ThreadRow) -> Iterator[object]:
    described, extract = row.described, row.extract
    git = extract.git
    told = {
        "file_id": row.file_id,
        "source": extract.source,
        "agent_path": extract.agent_path,
        "name": row.name,
        "title": extract.title or described.preview,
        "first_user_message": extract.first_user_message,
        "preview": described.preview or extract.goal,
        "sandbox_policy": extract.sandbox_policy or _READ_ONLY,
        "approval_mode": extract.approval_mode or _ON_REQUEST,
        "tokens_used": extract.tokens_used,
        "git_sha": git.commit_hash if git is not None else None,
        "git_branch": git.branch if git is not None else None,
        "git_origin_url": git.repository_url if git is not None else None,
        "memory_mode": extract.memory_mode or _ENABLED,
    }
    return (told[column] if column in told else getattr(described, column) for column in _COLUMNS)


def forget_extract(connection: sqlite3.Connection, file_id: int) -> None:
    """Take out what is stored of a rollout; the row of its thread is settled afterwards."""
    connection.execute("DELETE FROM extracts WHERE file_id = ?", (file_id,))


THREADS: Final = Domain("threads", ("extracts", "threads", "titles"), SCHEMA, ExtractReader, forget_extract)
