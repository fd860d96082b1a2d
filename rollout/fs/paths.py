"""Paths as plain text: what a caller names, from the root.

Without `pathlib`, which takes as long to import as a thread to resume.
"""

from __future__ import annotations

import os


def absolute_path(path: str | os.PathLike[str], folder: str | None = None) -> str:
    """Return a path from the root, a leading `~` expanded; `folder` is where it starts, or where we are.

    Links, and `..`, which may lead out of one, stay as they are.
    """
    whole = os.path.expanduser(path)
    if not os.path.isabs(whole):
        whole = os.path.join(folder or os.getcwd(), whole)
    if os.pardir not in whole:
        return os.path.normpath(whole)
    from pathlib import Path

    return str(Path(whole))
