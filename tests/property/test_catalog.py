"""However a home came to be as it is, a catalog that followed it holds what one made anew holds."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import UNSET

from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.log.facts import FactsPatch
from rollout.log.facts_writing import append_patch
from rollout.store.listing import ListRequest
from rollout.store.places import SortKey
from rollout.turns.paging import SortDirection
from tests.builders import Rollout, thread
from tests.catalog_home import DiskHome, rows_of

NUMBERS = st.integers(1, 5)
PATCHES = st.builds(
    FactsPatch,
    name=st.sampled_from([UNSET, None, "algebra"]),
    is_pinned=st.sampled_from([UNSET, None, True]),
    tags=st.sampled_from([UNSET, None, {"a": True}, {"a": None, "b": True}]),
    cwd=st.sampled_from([UNSET, None, "/moved"]),
)
WORDS = st.sampled_from(["Hey", "And now?", "x" * 70_000])


def say(rollout: Rollout, what: int, words: str) -> None:
    """Let something happen in a thread."""
    ways = (
        lambda: rollout.turn(words),
        lambda: rollout.start(f"open{len(rollout.content)}"),
        lambda: rollout.event("user_message", message=words),
        lambda: rollout.tokens(len(words)),
        lambda: rollout.context(model=f"m{len(words)}", cwd=f"/{len(words)}"),
        lambda: rollout.rollback(1),
        lambda: rollout.raw(b"no record at all\n"),
        rollout.abort,
        lambda: rollout.record("session_meta", rollout.header(memory_mode=words[:3])),
        lambda: rollout.event("thread_goal_updated", goal={"objective": words}),
    )
    ways[what % len(ways)]()


class Archive(RuleBasedStateMachine):
    """Threads that are recorded, forked, cut, replaced, archived, deleted and named, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.disk = DiskHome(Path(self.folder.name))
        self.rollouts: dict[int, Rollout] = {}
        self.paths: dict[int, Path] = {}
        self.catalog = self.disk.catalog()
        self.made = 0
        for number, mode in ((1, "paginated"), (2, "legacy")):
            self.rollouts[number] = thread(number, mode).turn(f"Question {number}")
            self.keep(number)
        self.fork(1, 3)
        self.catalog.refresh()

    def pick(self, number: int) -> int:
        """Return the number of a thread that there is."""
        return sorted(self.rollouts)[number % len(self.rollouts)]

    def teardown(self) -> None:
        """Compare once more, and clean up."""
        try:
            self.compare()
        finally:
            self.disk.close()
            self.folder.cleanup()

    def compare(self) -> None:
        """Bring the followed catalog up to date, make another anew, and hold them together."""
        self.catalog.refresh()
        self.made += 1
        anew = self.disk.catalog(state=Path(self.folder.name) / f"anew{self.made}")
        anew.refresh()
        assert rows_of(self.catalog) == rows_of(anew)
        assert not rows_of(anew)["orphans"]

    @rule(number=NUMBERS, mode=st.sampled_from(["legacy", "paginated"]))
    def begin(self, number: int, mode: str) -> None:
        """Make a thread, perhaps in place of an older one."""
        self.rollouts[number] = thread(number, mode)
        self.keep(number)

    @rule(number=NUMBERS, child=NUMBERS)
    def fork(self, number: int, child: int) -> None:
        """Let a thread stand on another one."""
        parent = self.rollouts[self.pick(number)]
        if parent.thread_id != thread(child).thread_id and parent.mode == "paginated":
            self.rollouts[child] = parent.fork(child)
            self.keep(child)

    @rule(number=NUMBERS, what=st.integers(0, 9), words=WORDS)
    def record(self, number: int, what: int, words: str) -> None:
        """Append to a thread."""
        number = self.pick(number)
        say(self.rollouts[number], what, words)
        self.keep(number)

    @rule(number=NUMBERS, what=st.integers(0, 9), words=WORDS)
    def record_and_follow(self, number: int, what: int, words: str) -> None:
        """Append to a thread, and follow at once."""
        self.record(number, what, words)
        self.catalog.refresh()

    @rule(number=NUMBERS, kept=st.floats(0, 1))
    def cut(self, number: int, kept: float) -> None:
        """Leave only the beginning of a file, torn anywhere."""
        path = self.paths.get(self.pick(number))
        if path is not None and path.exists():
            content = path.read_bytes()
            self.disk.write(path, content[: int(len(content) * kept)])

    @rule(number=NUMBERS)
    def take_away(self, number: int) -> None:
        """Delete a file."""
        path = self.paths.pop(self.pick(number), None)
        if path is not None:
            path.unlink(missing_ok=True)

    @rule(number=NUMBERS)
    def archive(self, number: int) -> None:
        """Move a file into the archive, or back."""
        number = self.pick(number)
        path = self.paths.get(number)
        if path is None or not path.exists():
            return
        is_archived = path.parent.name == "archived_sessions"
        folder = self.disk.path / ("sessions/2026/11/21" if is_archived else "archived_sessions")
        folder.mkdir(parents=True, exist_ok=True)
        self.paths[number] = path.rename(folder / path.name)

    @rule(number=NUMBERS, name=st.sampled_from(["", "math", "maths"]))
    def rename(self, number: int, name: str) -> None:
        """Name a thread, or take its name away."""
        names = self.disk.path / "session_index.jsonl"
        before = names.read_bytes() if names.exists() else b""
        line = f'{{"id":"{thread(number).thread_id}","thread_name":"{name}","updated_at":"x"}}\n'
        self.disk.write(names, before + line.encode())

    @rule(number=NUMBERS, patch=PATCHES, every=st.sampled_from([1, 1 << 20]))
    def say_of(self, number: int, patch: FactsPatch, every: int) -> None:
        """Say something of a thread, whether or not it is there."""
        home = str(self.disk.path)
        append_patch(POSIX_MUTABLE, home, thread(number).thread_id, patch, 1, compact_every_bytes=every)

    @rule()
    def refresh(self) -> None:
        """Follow what happened."""
        self.catalog.refresh()

    @rule(number=NUMBERS)
    def be_told(self, number: int) -> None:
        """Follow what happened to one file."""
        path = self.paths.get(self.pick(number))
        if path is not None:
            self.catalog.refresh_file(str(path))

    @rule()
    def rebuild(self) -> None:
        """Compute all rows anew, in place."""
        self.catalog.rebuild()
        self.compare()

    @invariant()
    def nothing_is_unsettled_after_a_refresh(self) -> None:
        """A step that follows leaves no thread half done."""
        assert rows_of(self.catalog)["unsettled"] == []

    def keep(self, number: int) -> None:
        """Write a thread where it lies."""
        path = self.paths.get(number)
        if path is not None and path.name == self.rollouts[number].name("2026-11-21T04-00-33"):
            self.disk.write(path, self.rollouts[number].content)
        else:
            self.paths[number] = self.disk.put(self.rollouts[number])


TestArchive = Archive.TestCase
TestArchive.settings = settings(max_examples=25, stateful_step_count=20, deadline=None, derandomize=True)


@settings(max_examples=10, deadline=None)
@given(
    steps=st.lists(st.tuples(NUMBERS, st.integers(0, 9), WORDS), min_size=1, max_size=15),
    sort=st.sampled_from([SortKey.UPDATED, SortKey.RECENCY]),
    direction=st.sampled_from(list(SortDirection)),
)
def test_a_listing_from_rows_is_one_from_files(
    steps: list[tuple[int, int, str]], sort: SortKey, direction: SortDirection
) -> None:
    """Of any threads, in any order."""
    with tempfile.TemporaryDirectory() as folder:
        disk = DiskHome(Path(folder))
        rollouts: dict[int, Rollout] = {}
        for number, what, words in steps:
            say(rollouts.setdefault(number, thread(number, "legacy")), what, words)
            disk.put(rollouts[number], minute=number)
        disk.catalog().refresh()
        listings = disk.listings()
        request = ListRequest(3, None, sort, direction)
        assert listings.page_of_rows(request) == listings.page_of_files(request)
        disk.close()
