"""Which disks a crash may leave, given what was durable and what was done since. Pure.

Assumed of the disk, and stated in docs/format.md: the bytes of one file arrive in the order in
which they were appended, or zeros stand for all of them; a renaming happens or does not; nothing
else may be relied upon. So each file that was not synced ends anywhere in what was done to it,
each change of a name either happened or did not, and all of this independently.

Enumerated in full: every cut of an unsynced tail of at most 64 bytes, and every combination of
nothing and everything for up to five dirty things. Beyond that, a choice: around newlines, the
first and last three bytes, a few positions seeded by the size; each thing alone, all but one,
and every split of their order in two.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Final

from msgspec import Struct

FOLDER: Final = 0
"""Stands in place of a file's number where a name is a folder's."""

_CUT_ANYWHERE_BYTES: Final = 64
_NEWLINES_LOOKED_AT: Final = 4
_SEEDED_CUTS: Final = 4
_ALL_COMBINED: Final = 5
_CUTS_COMBINED: Final = 3


class Growth(Struct, frozen=True):
    """Bytes that were appended."""

    content: bytes


class Shortening(Struct, frozen=True):
    """The end was cut off."""

    size_bytes: int


Change = Growth | Shortening


class FileState(Struct, frozen=True):
    """One file: the bytes that are durable, and what was done to them since, oldest first."""

    durable: bytes
    changes: tuple[Change, ...] = ()

    def possible(self) -> list[bytes]:
        """Return what a crash may leave: nothing of the changes first, all of them last."""
        grown_bytes = sum(len(change.content) for change in self.changes if isinstance(change, Growth))
        content = self.durable
        found = [content]
        kept_bytes = len(content)
        for change in self.changes:
            if isinstance(change, Shortening):
                content = content[: change.size_bytes]
                kept_bytes = min(kept_bytes, change.size_bytes)
            else:
                found += [content + change.content[:cut] for cut in _cuts(change.content, grown_bytes)]
                content += change.content
            found.append(content)
        whole = found.pop()
        if len(whole) > kept_bytes:
            found.append(self.durable[:kept_bytes] + bytes(len(whole) - kept_bytes))
        return [*dict.fromkeys(each for each in found if each != whole), whole] if self.changes else [whole]


class Link(Struct, frozen=True):
    """A name that now stands for a file (its number), a folder, or nothing."""

    path: str
    number: int | None


class NameChange(Struct, frozen=True):
    """Links that come about together or not at all."""

    links: tuple[Link, ...]


class DiskState(Struct, frozen=True):
    """A disk at one moment: durable names, what was done to names since, and every file by number."""

    names: dict[str, int]
    changes: tuple[NameChange, ...]
    files: dict[int, FileState]


class Disk(Struct, frozen=True):
    """A disk after a crash."""

    files: dict[str, bytes]
    folders: frozenset[str]


def iter_disks(state: DiskState) -> Iterator[Disk]:
    """Yield every disk that a crash may leave, each once, in the same order every time."""
    numbers = {link.number for change in state.changes for link in change.links} | {*state.names.values()}
    possible = {
        number: file.possible()
        for number, file in state.files.items()
        if number in numbers and len(file.possible()) > 1
    }
    seen = set()
    for choice in _choices([2] * len(state.changes) + [len(each) for each in possible.values()]):
        picks = dict(zip(possible, choice[len(state.changes) :], strict=True))
        contents = {
            number: possible[number][picks[number]] if number in picks else file.possible()[-1]
            for number, file in state.files.items()
            if number in numbers
        }
        happened = [
            change for change, has_happened in zip(state.changes, choice, strict=False) if has_happened
        ]
        disk = _disk(state.names, happened, contents)
        key = (frozenset(disk.files.items()), disk.folders)
        if key not in seen:
            seen.add(key)
            yield disk


def folder_of(path: str) -> str:
    """Return the folder that a path lies in; the root lies in itself."""
    return path.rpartition("/")[0] or "/"


def _disk(names: dict[str, int], happened: list[NameChange], contents: dict[int, bytes]) -> Disk:
    names = dict(names)
    for change in happened:
        for link in change.links:
            if link.number is None:
                names.pop(link.path, None)
            else:
                names[link.path] = link.number
    folders = {"/"}
    for path in sorted(path for path, number in names.items() if number == FOLDER):
        if folder_of(path) in folders:  # a folder above that was lost takes everything with it
            folders.add(path)
    files = {
        path: contents[number]
        for path, number in names.items()
        if number != FOLDER and folder_of(path) in folders
    }
    return Disk(files, frozenset(folders))


def _cuts(content: bytes, grown_bytes: int) -> list[int]:
    """Return where an append may have been cut, its two ends left out."""
    size_bytes = len(content)
    if grown_bytes <= _CUT_ANYWHERE_BYTES:
        return list(range(1, size_bytes))
    newlines = [at for at in range(size_bytes) if content[at] == ord("\n")]
    if len(newlines) > 2 * _NEWLINES_LOOKED_AT:
        newlines = newlines[:_NEWLINES_LOOKED_AT] + newlines[-_NEWLINES_LOOKED_AT:]
    around = {at + shift for at in newlines for shift in (0, 1, 2)}
    ends = {*range(1, 4), *range(size_bytes - 3, size_bytes)}
    random = Random(size_bytes)  # noqa: S311  # the same cuts every time
    seeded = {random.randrange(size_bytes) for _ in range(_SEEDED_CUTS)} if size_bytes else set()
    return sorted(cut for cut in around | ends | seeded if 0 < cut < size_bytes)


def _choices(option_counts: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield which option each dirty thing takes: 0 is nothing of it, the last all of it."""
    most = [count - 1 for count in option_counts]
    yield from _extremes(most)
    for at, whole in enumerate(most):
        others = most[:at] + most[at + 1 :]
        if len(most) > _CUTS_COMBINED:
            around = [(0,) * len(others), tuple(others)]
        else:
            around = list(_extremes(others))
        for cut in range(1, whole):
            for rest in around:
                yield (*rest[:at], cut, *rest[at:])


def _extremes(most: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield combinations of nothing and everything."""
    if len(most) <= _ALL_COMBINED:
        yield from product(*((0, whole) for whole in most))
        return
    for split in range(len(most) + 1):
        yield tuple(whole if at < split else 0 for at, whole in enumerate(most))
        yield tuple(0 if at < split else whole for at, whole in enumerate(most))
    for alone in range(len(most)):
        yield tuple(whole if at == alone else 0 for at, whole in enumerate(most))
        yield tuple(0 if at == alone else whole for at, whole in enumerate(most))
