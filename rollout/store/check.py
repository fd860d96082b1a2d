"""Read everything, change nothing, and say what is wrong, with byte spans.

Works file by file, so that one broken file hides nothing of the others. Harmless lines
(newer types, older shapes, a torn tail) are counted, not called damage.
Format: docs/format.md, "Lines" and "Lineage".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from rollout.errors import RolloutError
from rollout.format.record import Damage
from rollout.fs.api import FileSystem
from rollout.log.header import Header, read_header
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile, base_name
from rollout.log.lines import Span, iter_lines
from rollout.log.source import open_source
from rollout.replay.lineage import resolve_lineage
from rollout.store.summary import Problem, problem_of
from rollout.store.tally import Tally

if TYPE_CHECKING:
    from rollout.store.thread import Thread


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


def files_to_check(index: RolloutIndex, thread: Thread | None = None) -> list[RolloutFile]:
    """Return the rollouts of a thread and those it stands on, or all: each once, oldest name first."""
    files = index.all_files() if thread is None else [*thread.files(), *index.files_of(thread.id)]
    by_path = {file.path: file for file in files}
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
    with open_source(fs, file.path, reads_all=True) as source:
        header = read_header(source, max_line_bytes)
        tally = Tally(file, header, source)
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
