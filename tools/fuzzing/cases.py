"""One case: a home made from a seed and a number, checked, and made small if something is wrong with it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from itertools import pairwise
from random import Random

import zstandard
from msgspec import Struct, structs

from fuzzing.checks import Violation, check_home, check_thread
from fuzzing.homes import HOME, Home, load_homes
from fuzzing.mutations import MUTATIONS, flip_bit, truncate
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.log.layout import base_name, find_name
from rollout.log.seekable import encode_table
from rollout.testing.memory import MemoryFileSystem

_FAVOURED = ("insert_event", "insert_event", "weaken_checkpoint", "edit_member", "swap_word")
"""What changes the meaning of a log and leaves it readable finds most."""


class Step(Struct, frozen=True):
    """One mutation, by name, with randomness of its own, so that others may be left out."""

    name: str
    seed: str


class Case(Struct, frozen=True):
    """All that decides what a case does."""

    seed: int
    number: int
    home: str
    path: str
    donor: str
    steps: list[Step]
    packing: str
    max_line_bytes: int
    limit: int
    checks_home: bool


class Failure(Struct, frozen=True):
    """What went wrong, and with which bytes."""

    case: Case
    what: str
    content: bytes


def make_case(seed: int, number: int) -> Case:
    """Return the case of that number."""
    random = Random(f"{seed}:{number}")
    home = random.choice(load_homes())
    donor_home = random.choice(load_homes())
    steps = [
        Step(random.choice([*MUTATIONS, *_FAVOURED]), f"{seed}:{number}:{index}")
        for index in range(random.choice([1, 1, 1, 2, 2, 3, 5]))
    ]
    packing = "plain"
    if home.is_packed or random.random() < 0.1:
        packing = random.choice(["one", "many", "broken", "sealed", "sealed and broken"])
    return Case(
        seed,
        number,
        home.name,
        random.choice(list(home.files)),
        f"{donor_home.name}:{random.choice(list(donor_home.files))}",
        steps,
        packing,
        random.choice([MAX_LINE_BYTES, MAX_LINE_BYTES, MAX_LINE_BYTES, 4000, 1500]),
        random.choice([1, 2, 3, 7, 100]),
        random.random() < 0.15,
    )


def mutated(case: Case) -> bytes:
    """Return the bytes of the case's file after all of its steps."""
    content = _home(case.home).files[case.path]
    donor_home, _, donor_path = case.donor.partition(":")
    donor = _home(donor_home).files[donor_path]
    for step in case.steps:
        content = MUTATIONS[step.name](content, donor, Random(step.seed))
    return content


def run_case(case: Case, content: bytes | None = None) -> Failure | None:
    """Return what is wrong with a case, or None. `content` takes the place of the mutated bytes."""
    if content is None:
        content = mutated(case)
    fs, threads = _build(case, content)
    for thread_id in threads:
        what = _failing(lambda: check_thread(fs, HOME, thread_id, case.max_line_bytes, case.limit))  # noqa: B023
        if what is not None:
            return Failure(case, f"thread {thread_id}: {what}", content)
    if case.checks_home:
        what = _failing(lambda: check_home(fs, HOME, case.max_line_bytes, case.limit))
        if what is not None:
            return Failure(case, f"home: {what}", content)
    return None


def _failing(check: Callable[[], None]) -> str | None:
    try:
        check()
    except Violation as error:
        return str(error)
    except Exception:  # noqa: BLE001  # whatever escapes is the finding
        return traceback.format_exc()
    return None


def reduce_failure(failure: Failure, attempts: int = 400) -> Failure:
    """Return a failure of the same kind with fewer steps, then with fewer lines."""
    for index in reversed(range(len(failure.case.steps))):
        steps = [step for place, step in enumerate(failure.case.steps) if place != index]
        smaller = run_case(structs.replace(failure.case, steps=steps))
        if smaller is not None and kind_of(smaller) == kind_of(failure):
            failure = smaller
    run = max(1, failure.content.count(b"\n") // 2)
    while run and attempts > 0:
        lines = failure.content.splitlines(keepends=True)
        for start in reversed(range(0, len(lines), run)):
            attempts -= 1
            smaller = run_case(failure.case, b"".join(lines[:start] + lines[start + run :]))
            if smaller is not None and kind_of(smaller) == kind_of(failure):
                failure = smaller
                lines = failure.content.splitlines(keepends=True)
            if attempts <= 0:
                break
        run //= 2
    return failure


def kind_of(failure: Failure) -> str:
    """Return what two failures share that come from one mistake."""
    lines = failure.what.strip().splitlines()
    if len(lines) > 1:  # a traceback: where it was raised, and what
        raised_in = [line for line in lines if line.startswith("  File")]
        return raised_in[-1] + lines[-1].partition(":")[0]
    return failure.what.partition(": ")[2].partition(":")[0]


def _home(name: str) -> Home:
    return next(home for home in load_homes() if home.name == name)


def _build(case: Case, content: bytes) -> tuple[MemoryFileSystem, list[str]]:
    """Return the home of a case, and the threads to read: the one that was changed and those upon it."""
    home = _home(case.home)
    fs = MemoryFileSystem()
    changed = find_name(base_name(case.path))
    assert changed is not None, "fixtures have proper names"
    threads = [str(changed.thread_id)]
    for path, stored in home.files.items():
        name = find_name(base_name(path))
        assert name is not None, "fixtures have proper names"
        if path == case.path:
            stored = content
        elif changed.rollout_id.encode() in stored[:20_000]:
            threads.append(str(name.thread_id))
        if case.packing == "plain":
            fs.put(path, stored)
        else:
            random = Random(f"{case.seed}:{case.number}:{path}")
            is_broken = case.packing.endswith("broken") and path == case.path
            fs.put(f"{path}.zst", _packed(stored, random, case.packing, is_broken=is_broken))
    return fs, list(dict.fromkeys(threads))


def _packed(content: bytes, random: Random, packing: str, *, is_broken: bool) -> bytes:
    cuts = (
        []
        if packing == "one"
        else sorted(random.randrange(len(content) + 1) for _ in range(random.randrange(5)))
    )
    edges = [0, *cuts, len(content)]
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    frames = [compressor.compress(content[start:end]) for start, end in pairwise(edges)]
    packed = b"".join(frames)
    if packing.startswith("sealed"):
        sizes = [end - start for start, end in pairwise(edges)]
        packed += encode_table(zip(map(len, frames), sizes, strict=True))
    if is_broken:
        breaks = random.choice([flip_bit, truncate])
        packed = breaks(packed, b"", random)
    return packed
