"""Working directories that a command is given, from the root."""

from __future__ import annotations

from pathlib import Path

from rollout.errors import StorageFailed


def working_folder(named: str | None) -> str:
    """Return the folder that is named, or the current one, from the root and without a leading `~`.

    Raise StorageFailed where nobody can say where that is.
    """
    try:
        return str(Path(named or ".").expanduser().absolute())
    except (OSError, RuntimeError) as error:
        raise StorageFailed(
            f"finding the working directory: {error}", hint="Go to a folder that is there, or pass --cwd."
        ) from error
