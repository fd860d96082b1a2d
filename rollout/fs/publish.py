"""Write, then publish: the one way in which a whole file comes to its name."""

from __future__ import annotations

from contextlib import suppress

from rollout.errors import StorageFailed
from rollout.fs.mutation import MutableFileSystem


def publish_file(fs: MutableFileSystem, path: str, content: bytes) -> None:
    """Let `path` name a file of this content, in place of any other. Its folder is there.

    Bytes and name are durable on return. After an error or a crash `path` names what it named
    before or the new file, whole. One publisher of a path at a time: the draft beside it has a
    fixed name, so that what a crash leaves is found and taken away.
    """
    draft = f"{path}.draft"
    try:
        fs.remove(draft)
        with fs.create(draft) as out:
            out.append(content)
            out.sync()
        fs.replace(draft, path)
    except StorageFailed:
        with suppress(StorageFailed):
            fs.remove(draft)
        raise
    fs.sync_folder(path.rpartition("/")[0] or "/")  # otherwise the bytes survive and the name does not
