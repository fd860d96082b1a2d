"""Facts that people set: an append-only file of patches, folded member by member, the newest of each wins.

No log says them, so the file is not derived: it is durable before anything derived knows of them, and a
rebuild loses none. Members that we do not know are carried along (invariant 7).
Format: docs/format.md, "Facts".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rollout.format.decoding import UNDECODABLE, decode_json
from rollout.format.making import make_decoder
from rollout.fs.api import FileStat, FileSystem
from rollout.ids import ThreadId, find_uuid
from rollout.log.layout import facts_path
from rollout.log.side_log import iter_side_lines

Text = str | UnsetType | None
"""A text that is set, None for one that is taken away, UNSET where nothing is said."""

NAME: Final = "name"
GIT: Final = "gitInfo"
TAGS: Final = "tags"
NOTHING: Final = b"null"
_TRUE: Final = b"true"


class GitPatch(Struct, frozen=True, rename="camel", kw_only=True):
    """What a thread's git state is to be, whatever its header says; None is cleared, and stays so."""

    sha: Text = UNSET
    branch: Text = UNSET
    origin_url: Text = UNSET


class FactsPatch(Struct, frozen=True, rename="camel", kw_only=True):
    """What is to change of the facts of a thread: UNSET keeps, None takes away, a value sets.

    A member of `git_info` that is None is cleared: the thread has none, whatever its header says. Without
    `memory_mode` or `cwd` the log counts again. A tag is set by True, and taken away by None or False.
    `is_archived` moves the thread's files, and is written nowhere else.
    """

    name: Text = UNSET
    is_pinned: bool | UnsetType | None = UNSET
    git_info: GitPatch | UnsetType | None = UNSET
    memory_mode: Text = UNSET
    tags: Mapping[str, bool | None] | UnsetType | None = UNSET
    cwd: Text = UNSET
    is_archived: bool | UnsetType = UNSET


class Facts(Struct, frozen=True, kw_only=True):
    """What people said of one thread. `name` counts if none was given since `named_at` (UTC milliseconds)."""

    name: Text = UNSET
    named_at: int = 0
    git: GitPatch = GitPatch()
    is_pinned: bool = False
    memory_mode: str | None = None
    tags: tuple[str, ...] = ()
    cwd: str | None = None


NO_FACTS: Final = Facts()


class FactsLine(Struct, frozen=True, rename="camel"):
    """One line: when (UTC milliseconds), of which thread, and what was to change."""

    at: int
    thread_id: str
    patch: dict[str, Raw]


_decode_line: Final = make_decoder(FactsLine).decode
_decode_members: Final = make_decoder(dict[str, Raw]).decode


class Folded(Struct):
    """All patches of one thread, folded: members as stored, those of `gitInfo` and `tags` one by one."""

    at: int = 0
    named_at: int = 0
    members: dict[str, bytes] = {}
    git: dict[str, bytes] = {}
    tags: dict[str, bytes] = {}

    def take(self, line: FactsLine) -> None:
        """Put what a line says in place of what was said before."""
        self.at = line.at
        for member, stored in line.patch.items():
            value = bytes(stored)
            if member == GIT:
                self.git |= _git_members(value)
            elif member == TAGS:
                self._take_tags(value)
            else:
                self.members[member] = value
                if member == NAME:
                    self.named_at = line.at

    def _take_tags(self, value: bytes) -> None:
        if value == NOTHING:
            self.tags = {}
        for tag, stored in _members_of(value).items():
            if stored == _TRUE:
                self.tags[tag] = stored
            else:
                self.tags.pop(tag, None)

    def facts(self) -> Facts:
        """Return what is said, in all; a member of a type that we do not know says nothing."""
        members = self.members
        return Facts(
            name=_text(members.get(NAME)),
            named_at=self.named_at,
            git=GitPatch(
                sha=_text(self.git.get("sha")),
                branch=_text(self.git.get("branch")),
                origin_url=_text(self.git.get("originUrl")),
            ),
            is_pinned=members.get("isPinned") == _TRUE,
            memory_mode=_text(members.get("memoryMode")) or None,
            tags=tuple(sorted(self.tags)),
            cwd=_text(members.get("cwd")) or None,
        )


def _git_members(value: bytes) -> dict[str, bytes]:
    if value == NOTHING:
        return {"sha": NOTHING, "branch": NOTHING, "originUrl": NOTHING}
    return _members_of(value)


def _members_of(value: bytes) -> dict[str, bytes]:
    """Return the members of an object as stored; of anything else there are none."""
    try:
        return {member: bytes(stored) for member, stored in _decode_members(value).items()}
    except UNDECODABLE:
        return {}


def _text(stored: bytes | None) -> Text:
    if stored is None:
        return UNSET
    if stored == NOTHING:
        return None
    found = decode_json(stored, str)
    return found if found is not None else UNSET


def fold(lines: Iterable[bytes]) -> dict[ThreadId, Folded]:
    """Return what the lines say of each thread; those that are no patches are passed over. Pure."""
    found: dict[ThreadId, Folded] = {}
    for stored in lines:
        line = parse_facts_line(stored)
        if line is not None:
            thread_id = ThreadId(line.thread_id)
            if thread_id not in found:
                found[thread_id] = Folded()
            found[thread_id].take(line)
    return found


def parse_facts_line(stored: bytes) -> FactsLine | None:
    """Return a line as what it says, its id in canonical form, or None when it is no patch of a thread."""
    try:
        line = _decode_line(stored)
    except UNDECODABLE:
        return None
    found = find_uuid(line.thread_id)
    if found is None or found == line.thread_id:
        return line if found is not None else None
    return FactsLine(line.at, found, line.patch)


def read_folded(fs: FileSystem, home: str) -> dict[ThreadId, Folded]:
    """Return what was said of every thread, as it is stored. Raise StorageFailed."""
    return fold(iter_side_lines(fs, facts_path(home)))


def read_facts(fs: FileSystem, home: str) -> dict[ThreadId, Facts]:
    """Return the facts of every thread of which any were set. Raise StorageFailed."""
    return {thread_id: found.facts() for thread_id, found in read_folded(fs, home).items()}


class SaidOfAll(Mapping[ThreadId, Facts]):
    """The facts of every thread, each made when it is asked for."""

    def __init__(self, folded: dict[ThreadId, Folded]) -> None:
        self.folded = folded

    def __getitem__(self, thread_id: ThreadId) -> Facts:
        return self.folded[thread_id].facts()

    def __iter__(self) -> Iterator[ThreadId]:
        return iter(self.folded)

    def __len__(self) -> int:
        return len(self.folded)


class KnownFacts:
    """The facts of a home, read anew when their file has changed. Safe to share between threads."""

    def __init__(self, fs: FileSystem, home: str) -> None:
        self._fs = fs
        self._home = home
        self._known: tuple[FileStat | None, SaidOfAll] = (None, SaidOfAll({}))

    def get(self) -> SaidOfAll:
        """Return them as they are now. Raise StorageFailed."""
        stat = self._fs.find_stat(facts_path(self._home))
        known, facts = self._known
        if stat != known:
            facts = SaidOfAll(read_folded(self._fs, self._home) if stat is not None else {})
            self._known = (stat, facts)
        return facts

    def of(self, thread_id: ThreadId) -> Facts:
        """Return those of one thread. Raise StorageFailed."""
        return self.get().get(thread_id, NO_FACTS)


def patch_members(patch: FactsPatch) -> dict[str, Raw]:
    """Return what a patch says, by member."""
    return msgspec.json.decode(msgspec.json.encode(patch), type=dict[str, Raw])
