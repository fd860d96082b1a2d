"""Homes of families, made line by line, and what is asked of them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from fork.family import Family, Member, family_of
from rollout.ids import ThreadId
from rollout.store.root import Store, open_store
from tests.builders import HOME, Home, Rollout, thread, uuid


def child_of(parent: Rollout, number: int, **members: object) -> Rollout:
    """Return a fork of a rollout as it is now, which says what it was forked from."""
    return parent.fork(number, forked_from_id=parent.thread_id, **members)


def copy_of(parent: Rollout, number: int) -> Rollout:
    """Return a legacy fork: a header that names its source, then all that the source holds."""
    made = thread(number, "legacy", forked_from_id=parent.thread_id)
    return made.raw(parent.content)


def store_of(made: Home) -> Store:
    """Return a store over a home in memory."""
    return open_store(HOME, fs=made.fs)


def named(made: Home, **names: str) -> Home:
    """Return a home in which threads have names, given as `_1="Root"`."""
    lines = [json.dumps({"id": uuid(int(key[1:])), "thread_name": name}) for key, name in names.items()]
    made.fs.put(f"{HOME}/session_index.jsonl", "".join(f"{one}\n" for one in lines).encode())
    return made


def family(made: Home, number: int = 1) -> Family:
    """Return the family of a thread of a home."""
    with store_of(made) as store:
        return family_of(store, uuid(number))


def member(made: Home, number: int, asked: int = 1) -> Member:
    """Return one member of the family of a thread."""
    return family(made, asked).by_id[ThreadId(uuid(number))]


def numbers(members: Iterable[Member]) -> list[int]:
    """Return the numbers of members, in order."""
    return [int(one.id[-12:], 16) for one in members]


def wide_family(forks: int, places: int) -> list[Rollout]:
    """Return a thread and forks of it, spread evenly over so many of its turns."""
    root, cuts = thread(1), []
    for turn in range(places):
        root.turn(f"Question {turn + 1}")
        cuts.append(root.position)
    children = [
        root.fork(number + 2, at=cuts[number % places], forked_from_id=root.thread_id).turn(f"Idea {number}")
        for number in range(forks)
    ]
    return [root, *children]


def chain(length: int) -> list[Rollout]:
    """Return threads of which each was forked from the one before."""
    made = [thread(1).turn("Begin")]
    for number in range(2, length + 1):
        made.append(child_of(made[-1], number).turn(f"Step {number}"))
    return made
