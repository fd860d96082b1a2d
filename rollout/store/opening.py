"""From what a caller names to an open, identified lineage.

Identity first: a path is a hint, the header decides. Before a byte behind the header is
interpreted its id is compared with the one asked for. Format: docs/format.md, "Identity".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rollout.errors import BrokenLineage, DamagedLog, InvalidRequest, NotFound, StorageFailed
from rollout.fs.api import FileIdentity, FileSystem
from rollout.fs.publish import DurableFolders
from rollout.ids import RolloutId, ThreadId, find_uuid
from rollout.log.current import CurrentIndex
from rollout.log.facts import KnownFacts
from rollout.log.header import Header, read_header
from rollout.log.index import RolloutIndex
from rollout.log.layout import (
    ARCHIVED_FOLDER,
    COMPRESSED_SUFFIX,
    RolloutFile,
    RolloutName,
    base_name,
    find_name,
)
from rollout.log.names import read_names
from rollout.log.source import Source, open_source
from rollout.replay.ancestors import Ancestors
from rollout.replay.lineage import Lineage, resolve_lineage
from rollout.store.tombstones import deleted_error, deleted_ids, is_deleted

_SHOWN_MATCHES: Final = 5
_SHOWN_CHARS: Final = 80
_SHORTEST_PREFIX: Final = 4
_MOST_WRITTEN: Final = 32


class Opener:
    """Opens threads of one home. `clock` gives UTC milliseconds."""

    def __init__(
        self, fs: FileSystem, home: str, max_line_bytes: int, clock: Callable[[], int] = lambda: 0
    ) -> None:
        self._fs = fs
        self._home = home
        self._max_line_bytes = max_line_bytes
        self._current = CurrentIndex(fs, home, clock)
        self._ancestors = Ancestors(fs, clock)
        self.durable_folders = DurableFolders()
        self.facts = KnownFacts(fs, home)
        self.checkpoint_looks: dict[RolloutId, int] = {}
        self.written: set[str] = set()

    @property
    def index(self) -> RolloutIndex:
        """The rollout files of the home as they are now."""
        return self._current.get()

    def find_file_of(self, rollout_id: RolloutId, identity: FileIdentity) -> RolloutFile | None:
        """Return the file of a rollout: that file if it is there still, else what the home has now."""
        for index in (self._current.kept, None):
            known = (self.index if index is None else index).find_rollout(rollout_id)
            stat = self._fs.find_stat(known.path) if known is not None else None
            if stat is not None and stat.identity == identity:
                return known
        return known

    def note_written(self, path: str) -> None:
        """Remember a rollout that was made or appended to here, for whoever derives things; a few of them."""
        if len(self.written) < _MOST_WRITTEN:
            self.written.add(path)

    def forget(self) -> None:
        """Let go of the names read so far."""
        self._current.forget()
        self._ancestors.forget()

    def open_thread(
        self, thread_id: ThreadId, path_hint: str | None = None, index: RolloutIndex | None = None
    ) -> Lineage:
        """Return the lineage of a thread, its newest rollout open.

        `path_hint` is used only if the file there carries the id and the home knows no newer
        rollout of the thread. `index` stands in for the home's own where a part of it is enough. Raise
        NotFound when no file carries the id, naming what was found instead; BrokenLineage when a base
        cannot be followed.
        """
        if index is not None:
            return self._open(thread_id, path_hint, index)
        index = self.index
        try:
            return self._open(thread_id, path_hint, index)
        except (NotFound, BrokenLineage) as error:
            # Somebody may just be archiving it, or what it stands on: look once where that is now.
            base_id = error.base_id if isinstance(error, BrokenLineage) else None
            before = _places(index, thread_id, base_id)
            index = self.index
            if _places(index, thread_id, base_id) == before:
                raise
        return self._open(thread_id, path_hint, index)

    def _open(self, thread_id: ThreadId, path_hint: str | None, index: RolloutIndex) -> Lineage:
        files = index.files_of(thread_id)
        instead: list[str] = []
        hinted = find_file(path_hint) if path_hint is not None else None
        if hinted is not None and (not files or files[0].name.rollout_id == hinted.name.rollout_id):
            lineage = self._try(index, hinted, thread_id, instead, is_hint=True)
            if lineage is not None:
                return lineage
        for file in files:
            lineage = self._try(index, file, thread_id, instead)
            if lineage is not None:
                return lineage
        found = "; ".join(dict.fromkeys(instead)) or "no file name carries that id"
        raise NotFound(
            f"opening thread {thread_id}: no rollout in {self._home} belongs to it: {found}",
            hint="Run `rollout list` to see which threads are there.",
        )

    def open_path(self, path: str) -> Lineage:
        """Return the lineage of whatever thread the rollout at `path` belongs to."""
        source = open_source(self._fs, path)
        try:
            header = read_header(source, self._max_line_bytes)
            file = find_file(path) or _unnamed(path, header.thread_id)
            return self._resolve(self.index, file, source, header)
        except BaseException:
            source.close()
            raise

    def _try(
        self,
        index: RolloutIndex,
        file: RolloutFile,
        thread_id: ThreadId,
        instead: list[str],
        *,
        is_hint: bool = False,
    ) -> Lineage | None:
        """Return the lineage of `file` if it carries the id; otherwise note what it is instead.

        A file whose header cannot be read is an error, or a bad hint: a thread's older rollouts
        never stand in for the newest one.
        """
        try:
            source = open_source(self._fs, file.path)
        except NotFound:
            instead.append(f"{file.path} is gone")
            return None
        except StorageFailed as error:
            if not is_hint:
                raise
            instead.append(error.message)
            return None
        try:
            header = read_header(source, self._max_line_bytes)
        except BaseException as error:
            source.close()
            if not is_hint or not isinstance(error, DamagedLog | StorageFailed):
                raise
            instead.append(error.message)
            return None
        if header.thread_id != thread_id:
            source.close()
            instead.append(f"{file.path} belongs to thread {header.thread_id}")
            return None
        try:
            return self._resolve(index, file, source, header)
        except BaseException:
            source.close()
            raise

    def _resolve(self, index: RolloutIndex, file: RolloutFile, source: Source, header: Header) -> Lineage:
        return resolve_lineage(self._fs, index, file, source, header, self._max_line_bytes, self._ancestors)

    def find_thread_id(self, reference: str) -> ThreadId:
        """Return the id of the thread that `reference` names: an id, a unique prefix, or a name.

        Raise NotFound when nothing answers to it but what was deleted, InvalidRequest when several do.
        """
        looking = f"looking for thread {reference[:_SHOWN_CHARS]!r}"
        found = self._answering(reference)
        thread_id = _only(looking, [one for one in found if not is_deleted(self._fs, self._home, one)])
        if thread_id is not None:
            return thread_id
        if found:
            raise deleted_error(looking, found[0])
        raise NotFound(
            f"{looking}: no thread in {self._home} has that id, prefix or name",
            hint="Run `rollout list` to see which threads are there.",
        )

    def find_deleted_id(self, reference: str) -> ThreadId:
        """Return the id of the deleted thread that `reference` names, as `find_thread_id` does."""
        looking = f"looking for a deleted thread {reference[:_SHOWN_CHARS]!r}"
        hidden = deleted_ids(self._fs, self._home)
        thread_id = _only(looking, [one for one in self._answering(reference) if one in hidden])
        if thread_id is None:
            raise NotFound(
                f"{looking}: no thread that was deleted in {self._home} has that id, prefix or name",
                hint="Once a thread is pruned, it is gone.",
            )
        return thread_id

    def _answering(self, reference: str) -> list[ThreadId]:
        """Return the threads that a reference may mean, deleted or not, sorted."""
        whole = find_uuid(reference)
        if whole is not None:
            return [ThreadId(whole)]
        names = read_names(self._fs, self._home)
        named = sorted(thread_id for thread_id, name in names.items() if name == reference)
        prefix = reference.lower()
        if named or len(prefix) < _SHORTEST_PREFIX or set(prefix) - set("0123456789abcdef-"):
            return named
        return self.index.ids_with_prefix(prefix)


def _only(looking: str, matches: list[ThreadId]) -> ThreadId | None:
    """Return the one match, or None for none. Raise InvalidRequest for several."""
    if len(matches) > 1:
        shown = ", ".join(matches[:_SHOWN_MATCHES]) + (" and more" if len(matches) > _SHOWN_MATCHES else "")
        raise InvalidRequest(
            f"{looking}: {len(matches)} threads answer to it: {shown}",
            hint="Give more of the id.",
        )
    return matches[0] if matches else None


def _places(index: RolloutIndex, thread_id: ThreadId, base_id: str | None) -> list[str]:
    """Return where the files lie that opening a thread may have missed."""
    base = index.find_rollout(RolloutId(base_id)) if base_id is not None else None
    return [file.path for file in (*index.files_of(thread_id), base) if file is not None]


def find_file(path: str) -> RolloutFile | None:
    """Return the rollout at `path` as its name describes it, or None when the name is none."""
    name = find_name(base_name(path))
    return RolloutFile(path, name, f"/{ARCHIVED_FOLDER}/" in path) if name is not None else None


def _unnamed(path: str, thread_id: ThreadId) -> RolloutFile:
    """Return a rollout that was named outright and lies under some name of its own."""
    name = RolloutName("", thread_id, RolloutId(thread_id), path.endswith(COMPRESSED_SUFFIX))
    return RolloutFile(path, name, is_archived=False)
