"""What one rollout's own records say of its thread: the fold behind the columns of `threads`.

Last wins for settings and totals, first wins for words. A header of another thread that a copy
brought along says nothing. Format: docs/format.md, "Summary".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Raw, Struct

from rollout.catalog.domains import Unit
from rollout.format import vocabulary
from rollout.format.decoding import decode_json, decode_payload
from rollout.format.payloads import GitState
from rollout.format.record import ABSENT, Record
from rollout.ids import find_uuid
from rollout.turns.said import IMAGE, said_by_user

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

_GOAL: Final = "thread_goal_updated"
_METAS: Final = frozenset({vocabulary.SESSION_META})
_TOTALS: Final = frozenset({vocabulary.TOKEN_COUNT, vocabulary.TOKEN_USAGE})
_SETTINGS: Final = frozenset({vocabulary.TURN_CONTEXT})
_WORDS: Final = frozenset({vocabulary.USER_MESSAGE, vocabulary.ITEM_COMPLETED, _GOAL})
_REQUEST_STARTS: Final = (b'"UserMessage"', b"user_message")


class Extract(Struct):
    """What has been folded so far; stored as JSON, so that an append goes on with it."""

    source: str = ""
    agent_nickname: str | None = None
    agent_role: str | None = None
    agent_path: str | None = None
    model_provider: str = ""
    cli_version: str = ""
    cwd: str = ""
    git: GitState | None = None
    memory_mode: str | None = None
    model: str | None = None
    effort: str | None = None
    sandbox_policy: str | None = None
    approval_mode: str | None = None
    tokens_used: int = 0
    title: str = ""
    first_user_message: str = ""
    goal: str = ""


class _Meta(Struct, frozen=True):
    id: str
    cwd: str = ""
    cli_version: str = ""
    model_provider: str | None = None
    source: Raw = ABSENT
    agent_nickname: str | None = None
    agent_role: str | None = None
    agent_path: str | None = None
    memory_mode: str | None = None
    git: GitState | None = None


class _StoredSettings(Struct, frozen=True):
    cwd: str = ""
    model: str | None = None
    effort: Raw = ABSENT
    sandbox_policy: Raw = ABSENT
    approval_policy: Raw = ABSENT


class _Total(Struct, frozen=True):
    total_tokens: int


class _Info(Struct, frozen=True):
    total_token_usage: _Total


class _Count(Struct, frozen=True):
    info: _Info | None = None


class _Usage(Struct, frozen=True):
    thread_token_usage: _Total


class _Goal(Struct, frozen=True):
    objective: str | None = None


class _GoalUpdate(Struct, frozen=True):
    goal: _Goal | None = None
    objective: str | None = None


def bare_word(stored: Raw) -> str:
    """Return a JSON string's text, or the JSON of anything else, or nothing for nothing."""
    if not stored:
        return ""
    word = decode_json(stored, str)
    return word if word is not None else bytes(stored).decode("utf-8", "replace")


class ExtractReader:
    """Folds the records of one rollout. Goes on with what was stored when it starts behind 0."""

    def __init__(self, unit: Unit, connection: sqlite3.Connection) -> None:
        self._thread_id = unit.header.thread_id
        self._extract = Extract()
        if unit.start_offset > 0 and unit.file_id is not None:
            self._extract = find_extract(connection, unit.file_id) or Extract()

    @property
    def labels(self) -> frozenset[str]:
        """Headers always; words until there are some; settings one by one while they may name the folder."""
        extract = self._extract
        words = frozenset[str]() if self._has_words else _WORDS
        return _METAS | words | (frozenset[str]() if extract.cwd else _SETTINGS)

    @property
    def newest(self) -> tuple[frozenset[str], ...]:
        """The newest totals and settings are all that counts."""
        return (_TOTALS, _SETTINGS) if self._extract.cwd else (_TOTALS,)

    @property
    def _has_words(self) -> bool:
        # Once it holds, later words must say nothing even in the same block: where blocks end is chance.
        return bool(self._extract.first_user_message and self._extract.title)

    def feed(self, record: Record) -> None:
        """Take the next record."""
        label = record.label
        if label == vocabulary.SESSION_META:
            self._feed_meta(record)
        elif label == vocabulary.TURN_CONTEXT:
            self._feed_settings(record)
        elif self._has_words:
            return
        elif label == _GOAL:
            update = decode_payload(record, _GoalUpdate)
            if update is not None and not self._extract.goal:
                self._extract.goal = (update.goal.objective if update.goal else update.objective) or ""
        elif label in _WORDS:
            self._feed_words(record)

    def _feed_meta(self, record: Record) -> None:
        meta = decode_payload(record, _Meta)
        if meta is None or find_uuid(meta.id) != self._thread_id:
            return
        extract = self._extract
        extract.source = bare_word(meta.source)
        extract.agent_nickname, extract.agent_role = meta.agent_nickname, meta.agent_role
        extract.agent_path = meta.agent_path
        extract.model_provider = meta.model_provider or extract.model_provider
        extract.cli_version = meta.cli_version or extract.cli_version
        extract.cwd = meta.cwd or extract.cwd
        extract.git = meta.git or extract.git
        extract.memory_mode = meta.memory_mode or extract.memory_mode

    def feed_newest(self, group: frozenset[str], records: Iterator[Record]) -> None:
        """Take the newest totals or settings that say anything."""
        if group == _SETTINGS:
            any(map(self._feed_settings, records))
            return
        for record in records:
            total = _total_of(record)
            if total is not None:
                self._extract.tokens_used = max(0, min(total.total_tokens, 1 << 62))
                return

    def _feed_settings(self, record: Record) -> bool:
        settings = decode_payload(record, _StoredSettings)
        if settings is None:
            return False
        extract = self._extract
        extract.cwd = extract.cwd or settings.cwd
        extract.model, extract.effort = settings.model, bare_word(settings.effort) or None
        if extract.effort == "null":
            extract.effort = None
        extract.sandbox_policy = bare_word(settings.sandbox_policy) or None
        extract.approval_mode = bare_word(settings.approval_policy) or None
        return True

    def _feed_words(self, record: Record) -> None:
        if not any(mark in record.stored for mark in _REQUEST_STARTS):
            return
        said = said_by_user(record)
        if not said:
            return
        extract = self._extract
        extract.first_user_message = extract.first_user_message or said
        if not extract.title and said != IMAGE:
            extract.title = said

    def store(self, connection: sqlite3.Connection, file_id: int) -> None:
        """Write what was folded."""
        connection.execute(
            "INSERT OR REPLACE INTO extracts(file_id, stored) VALUES(?, ?)",
            (file_id, msgspec.json.encode(self._extract)),
        )


def _total_of(record: Record) -> _Total | None:
    if record.label == vocabulary.TOKEN_USAGE:
        usage = decode_payload(record, _Usage)
        return usage.thread_token_usage if usage is not None else None
    count = decode_payload(record, _Count)
    return count.info.total_token_usage if count is not None and count.info is not None else None


def find_extract(connection: sqlite3.Connection, file_id: int) -> Extract | None:
    """Return what is stored of a rollout."""
    row = connection.execute("SELECT stored FROM extracts WHERE file_id = ?", (file_id,)).fetchone()
    return decode_json(row[0], Extract) if row is not None else None
