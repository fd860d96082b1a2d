"""Write, then publish: the one way in which a whole file comes to its name, and how names become durable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rollout.errors import StorageFailed
from rollout.fs.api import FileIdentity
from rollout.fs.mutation import AppendFile, MutableFileSystem


def publish_file(fs: MutableFileSystem, path: str, content: bytes) -> None:
    """Let `path` name a file of this content, in place of any other. Its folder is there.

    Bytes and name are durable on return. After an error or a crash `path` names what it named
    before or the new file, whole. One publisher of a path at a time: the draft beside it has a
    fixed name, so that what a crash leaves is found and taken away.
    """
    _replace(fs, path, content, is_durable=True)
    fs.sync_folder(path.rpartition("/")[0] or "/")  # otherwise the bytes survive and the name does not


def replace_file(fs: MutableFileSystem, path: str, content: bytes) -> None:
    """Do the same without making anything durable: for what may be lost, or empty, after a crash.

    A reader sees the old file or the new one, whole, for as long as the system runs.
    """
    _replace(fs, path, content, is_durable=False)


@contextmanager
def publishing(fs: MutableFileSystem, path: str) -> Iterator[AppendFile]:
    """Give an empty file to write to, which `path` names once it has been left without an exception.

    As `publish_file` does, for what is too long to be in memory. After an exception it is gone.
    """
    draft = f"{path}.draft"
    try:
        fs.remove(draft)
        with fs.create(draft) as out:
            yield out
            out.sync()
        fs.replace(draft, path)
    except BaseException:
        with suppress(StorageFailed):
            fs.remove(draft)
        raise
    fs.sync_folder(path.rpartition("/")[0] or "/")


def sync_names(fs: MutableFileSystem, home: str, folder: str) -> None:
    """Make the names in `folder` durable, and those of the folders on the way to it from `home`."""
    while True:
        fs.sync_folder(folder)
        if folder == home or not folder.startswith(f"{home}/"):
            return
        folder = folder.rpartition("/")[0]


class DurableFolders:
    """Folders of a home whose names are known to be durable: synced once, and the same folders still."""

    def __init__(self) -> None:
        self._known: dict[str, FileIdentity] = {}

    def sync_names(self, fs: MutableFileSystem, home: str, folder: str) -> None:
        """Make the names of `folder` and of those above it durable, up to `home`, where that is not known.

        Another client may have made them, and synced nothing.
        """
        while folder != home and folder.startswith(f"{home}/"):
            above = folder.rpartition("/")[0]
            stat = fs.find_stat(folder)
            identity = stat.identity if stat is not None else None
            if identity is None or self._known.get(folder) != identity:
                fs.sync_folder(above)
                if identity is not None:
                    self._known[folder] = identity
            folder = above


def _replace(fs: MutableFileSystem, path: str, content: bytes, *, is_durable: bool) -> None:
    draft = f"{path}.draft"
    try:
        fs.remove(draft)
        with fs.create(draft) as out:
            out.append(content)
            if is_durable:
                out.sync()
        fs.replace(draft, path)
    except StorageFailed:
        with suppress(StorageFailed):
            fs.remove(draft)
        raise
