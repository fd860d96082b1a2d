"""Short texts that people give: a name, a model, a folder. Checked before anything is written."""

from __future__ import annotations

from typing import Final

from rollout.errors import InvalidRequest

LONGEST_NAME: Final = 1000
LONGEST_WORD: Final = 256
LONGEST_FOLDER: Final = 4096
_SHOWN: Final = 40


def checked_name(text: str) -> str:
    """Return a thread's name without white space around it. Raise InvalidRequest for none at all."""
    return _checked(text.strip(), "a name", LONGEST_NAME)


def checked_word(text: str, *, what: str) -> str:
    """Return the name of a model or of a provider. Raise InvalidRequest."""
    return _checked(text.strip(), what, LONGEST_WORD)


def checked_folder(text: str) -> str:
    """Return an absolute folder, as it is spelled. Raise InvalidRequest."""
    folder = _checked(text, "a working directory", LONGEST_FOLDER)
    if not folder.startswith("/") and folder[1:3] not in (":\\", ":/"):
        raise InvalidRequest(
            f"taking a working directory: expected an absolute path, found {folder[:_SHOWN]!r}",
            hint="Give the whole path.",
        )
    return folder


def _checked(text: str, what: str, longest: int) -> str:
    if not text.strip():
        raise InvalidRequest(f"taking {what}: expected some text, found none", hint="Say what it is.")
    if len(text) > longest:
        raise InvalidRequest(
            f"taking {what}: expected at most {longest:,} characters, found {len(text):,}",
            hint="Make it shorter.",
        )
    for letter in text:
        if "\ud800" <= letter <= "\udfff" or letter == "\0":
            raise InvalidRequest(
                f"taking {what}: {text[:_SHOWN]!r} holds a character that cannot be stored",
                hint="Use text that is valid UTF-8, without null characters.",
            )
    return text
