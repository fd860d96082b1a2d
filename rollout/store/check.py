"""Read everything, change nothing, and say what is wrong, with byte spans.

Works file by file, so that one broken file hides nothing of the others. Harmless lines
(newer types, older shapes, a torn tail) are counted, not called damage.
Format: docs/format.md, "Lines" and "Lineage".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from rollout.errors import RolloutError
from rollout.format.record import Damage, Mode, Reason, Record, Rejected
from rollout.format.seals import Seal, find_seal
from rollout.format.vocabulary import TURN_ENDS
from rollout.fs.api import FileSystem
from rollout.log.header import Header, read_header
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile, base_name
from rollout.log.lines import Span, iter_lines
from rollout.log.seal import find_broken_seal
from rollout.log.source import Source, open_source
from rollout.replay.lineage import resolve_lineage
from rollout.replay.sealed import damage_of, find_rejected_seal
from rollout.store.summary import Problem, problem_of


class FileCheck(Struct, frozen=True):
    """What one file holds. Bytes are decoded bytes.

    `damage` are spans that contradict the format; `torn_tail` a last line cut short, which a
    crash or a writer at work leaves; `passed_over` counts harmless lines by reason;
    `problem` says why the file as a whole is no readable thread.
    """

    path: str
    thread_id: str
    rollout_id: str
    size_bytes: int = 0
    records: int = 0
    damage: list[Damage] = []
    torn_tail: Damage | None = None
    passed_over: dict[str, int] = {}
    problem: Problem | None = None

    @property
    def is_sound(self) -> bool:
        """Whether nothing here contradicts the format."""
        return not self.damage and self.problem is None


def files_to_check(index: RolloutIndex, of_thread: Iterable[RolloutFile] | None = None) -> list[RolloutFile]:
    """Return these files, by default every rollout: each once, oldest name first."""
    by_path = {file.path: file for file in (index.all_files() if of_thread is None else of_thread)}
    return sorted(by_path.values(), key=lambda file: base_name(file.path))


def check_files(
    fs: FileSystem, index: RolloutIndex, files: Iterable[RolloutFile], max_line_bytes: int
) -> Iterator[FileCheck]:
    """Yield the findings about each file, read whole, in the order given."""
    for file in files:
        try:
            yield _check_file(fs, index, file, max_line_bytes)
        except RolloutError as error:
            yield FileCheck(file.path, file.name.thread_id, file.name.rollout_id, problem=problem_of(error))


def _check_file(fs: FileSystem, index: RolloutIndex, file: RolloutFile, max_line_bytes: int) -> FileCheck:
    with open_source(fs, file.path) as source:
        header = read_header(source, max_line_bytes)
        tally = _Tally(file, header, source)
        span = Span(0, source.size_bytes, header.era, max_line_bytes=max_line_bytes)
        for batch in iter_lines(source, span):
            for line in batch:
                tally.take(line)
        tally.verify_seals()
        size_bytes = source.size_bytes
    return FileCheck(
        file.path,
        header.thread_id,
        file.name.rollout_id,
        size_bytes,
        tally.records,
        tally.damage,
        tally.torn_tail,
        {reason.value: count for reason, count in tally.passed_over.items()},
        _find_problem(fs, index, file, header, max_line_bytes),
    )


def _find_problem(
    fs: FileSystem, index: RolloutIndex, file: RolloutFile, header: Header, max_line_bytes: int
) -> Problem | None:
    if header.thread_id != file.name.thread_id:
        return Problem(
            "log.damaged",
            f"checking {file.path}: expected thread {file.name.thread_id}, as its name says, "
            f"found a header of thread {header.thread_id}",
            "Give the file the name of its thread, or move it out of the home.",
        )
    try:
        with open_source(fs, file.path) as source:
            resolve_lineage(fs, index, file, source, header, max_line_bytes).close()
    except RolloutError as error:
        return problem_of(error)
    return None


class _Tally:
    """Counts over the lines of one file, oldest first."""

    def __init__(self, file: RolloutFile, header: Header, source: Source) -> None:
        self._file = file
        self._header = header
        self._source = source
        self._seals: list[Seal] = []
        self._is_paginated = header.mode is Mode.PAGINATED
        self._next_ordinal: int | None = None
        self.records = 0
        self.damage: list[Damage] = []
        self.torn_tail: Damage | None = None
        self.passed_over: Counter[Reason] = Counter()

    def take(self, line: Record | Rejected) -> None:
        if isinstance(line, Rejected):
            if line.reason is not Reason.CHECKPOINT:  # which counts nothing for sure
                self._next_ordinal = None  # what this line would have counted cannot be known
            self._note(find_rejected_seal(self._source, line))
            if line.reason is Reason.BROKEN_SEAL:
                self.passed_over[Reason.UNKNOWN_TYPE] += 1  # what the seal covers says whether it was altered
            elif line.is_damage:
                self.damage.append(self._damage(line))
            elif line.reason is Reason.TORN_TAIL:
                self.torn_tail = self._damage(line)
            else:
                self.passed_over[line.reason] += 1
            return
        self.records += 1
        if line.envelope.payload.type in TURN_ENDS:
            self._note(find_seal(line.stored, line.start_offset))
        if self._is_paginated:
            self._count(line)

    def _note(self, seal: Seal | None) -> None:
        if seal is not None:
            self._seals.append(seal)

    def verify_seals(self) -> None:
        """Hold every seal against what it covers, each for itself: a broken one hides no other."""
        for seal in self._seals:
            broken = find_broken_seal(self._source, seal)
            if broken is not None:
                self.damage.append(self._damage(broken))

    def _count(self, record: Record) -> None:
        ordinal, expected = record.ordinal, self._next_ordinal
        if record.type == "session_meta" and record.start_offset != self._header.start_offset:
            copied = "a header copied into the middle of the file"
            self._found(record, Reason.COPIED_HEADER, copied)
        if ordinal is None:
            return
        if expected is not None and ordinal != expected:
            self._found(record, Reason.ORDINAL, f"expected ordinal {expected}, found {ordinal}")
        self._next_ordinal = ordinal + 1

    def _found(self, record: Record, reason: Reason, detail: str) -> None:
        self.damage.append(self._damage(Rejected(record.start_offset, record.end_offset, reason, detail)))

    def _damage(self, line: Rejected) -> Damage:
        return damage_of(self._file.name.rollout_id, self._file.path, line)
