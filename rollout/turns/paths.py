"""Paths as records store them, and as clients read them.

Purely lexical: nothing here asks a file system, so a record made on one machine
reads the same on every other. Records hold file URIs or absolute paths.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

_FILE_URI: Final = re.compile(r"\s*file:(?://(?P<host>[^/]*))?(?P<path>[^?#]*)", re.IGNORECASE)
_DRIVE: Final = re.compile(r"/([A-Za-z]):(/.*)?", re.DOTALL)
_WINDOWS_ROOT: Final = re.compile(r"[A-Za-z]:\\|\\\\[^\\]+(?:\\|$)")
_WINDOWS_ABSOLUTE: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_ENCODED_DOT: Final = re.compile(r"%2e", re.IGNORECASE)


@lru_cache(maxsize=256)  # a thread's commands share a few directories
def find_path_of_uri(uri: str) -> str | None:
    """Return the path that a file URI names, or None when `uri` is not one.

    A host or a drive letter makes it a Windows path. A path without `file:` is no URI.
    """
    found = _FILE_URI.fullmatch(uri.replace("\\", "/").rstrip())
    if found is None:
        return None
    path = unquote(_without_dots("/" + found["path"].lstrip("/")), errors="replace")
    if "\0" in path:
        return None
    host = (found["host"] or "").lower()
    if host not in ("", "localhost"):
        return "\\\\" + unquote(host) + path.replace("/", "\\")
    if drive := _DRIVE.fullmatch(path):
        return drive[1].upper() + ":" + (drive[2] or "/").replace("/", "\\")
    return path


def find_absolute_path(path: str) -> str | None:
    """Return an absolute path without `.` and `..`, or None when `path` is relative."""
    if path.startswith("/"):
        return "/" + "/".join(_resolved_names(path.split("/"), []))
    return path if _WINDOWS_ABSOLUTE.match(path) else None


def resolve_against(cwd: str, path: str) -> str:
    """Return `path` made absolute against `cwd`, an absolute path of either kind."""
    root = _WINDOWS_ROOT.match(cwd)
    if root is None:
        if not path.startswith("/"):
            return "/" + "/".join(_resolved_names(path.split("/"), cwd.strip("/").split("/")))
        names = "/".join(_resolved_names(path.split("/"), []))
        return f"/{names}/" if names and path.endswith("/") else f"/{names}"
    if _WINDOWS_ABSOLUTE.match(path):
        return path
    steps = path.replace("/", "\\").split("\\")
    within = [] if path.startswith(("/", "\\")) else cwd[root.end() :].split("\\")
    return root[0] + "\\".join(_resolved_names(steps, within))


def _resolved_names(steps: list[str], within: list[str]) -> list[str]:
    names = within if any(within) else []
    for step in steps:
        if step == "..":
            del names[-1:]
        elif step not in ("", "."):
            names.append(step)
    return names


def _without_dots(path: str) -> str:
    """Remove dot segments as a URL parser does: empty segments stay, escaped dots count."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for position, segment in enumerate(segments):
        dots = _ENCODED_DOT.sub(".", segment)
        is_last = position == len(segments) - 1
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(segment)
            continue
        if is_last:
            kept.append("")
    return "/" + "/".join(kept)
