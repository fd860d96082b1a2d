"""Drives a family of threads in a store and its model side by side, one operation at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import zstandard
from hypothesis import strategies as st

import fork
from fork.prune import plan_prune
from fork.reclaim import apply_prune
from rollout.errors import Conflict, InvalidRequest, NotFound
from rollout.ids import ThreadId
from rollout.store.compressing import Outcome, apply_compressing, decompress, plan_compressing
from rollout.store.store import Store
from rollout.store.thread import Thread
from rollout.store.tombstones import DeleteMode
from rollout.testing.crashfs import CrashFS
from rollout.turns.items import UserMessage
from rollout.turns.model import Turn, TurnStatus
from rollout.turns.paging import ItemsView
from rollout.turns.parts import TextInput
from tests.builders import DAY, uuid
from tests.builders import thread as built
from tests.property.family_model import Member, Said
from tests.recorded_home import HOME, home_of, new_thread, said

OPERATIONS = (
    "new",
    "append",
    "append",
    "append",
    "fork head",
    "fork before",
    "fork through",
    "fork through",
    "compact",
    "revert",
    "roll back",
    "archive",
    "unarchive",
    "compress",
    "seal",
    "seal",
    "thaw",
    "flatten",
    "delete",
    "delete keep",
    "delete flatten",
    "delete cascade",
    "undelete",
    "prune",
    "prune superseded",
    "checkpoint",
)
Operation = tuple[str, int, int]
PLANS: st.SearchStrategy[list[Operation]] = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 7), st.integers(0, 7)), min_size=3, max_size=16
)
_LEGACY_TURNS = 3


class Family:
    """The store under test over a disk in memory, and what the model says of each thread."""

    def __init__(self, fs: CrashFS) -> None:
        self.fs = fs
        self.store: Store = home_of(fs)
        self.members: dict[str, Member] = {}
        self._number = 0

    @classmethod
    def begun(cls) -> Family:
        """Return a family of one legacy thread that another client recorded, and one of ours."""
        legacy = built(1, "legacy")
        for number in range(_LEGACY_TURNS):
            legacy.turn(f"old {number}", f"re: old {number}")
        family = cls(CrashFS({f"{DAY}/{legacy.name()}": legacy.log()}, folders=[HOME]))
        with family.store.open_thread(uuid(1)) as opened:
            known = [Said(turn.id, _question(turn)) for turn in opened.all_turns()]
        family.do(("new", 0, 0))
        durable = cls(CrashFS(family.fs.files(), folders=[HOME]))
        durable.members = {**family.members, uuid(1): Member(known, is_legacy=True)}
        return durable

    def state(self) -> dict[str, Member]:
        """Return what the model says now."""
        return {thread_id: member.frozen() for thread_id, member in self.members.items()}

    def do(self, operation: Operation) -> None:
        """Do one thing in the store and in the model; what cannot be done must be refused."""
        kind, first, second = operation
        verb, _, how = kind.partition(" ")
        living = [one for one, member in self.members.items() if not member.is_deleted]
        if verb == "new" or not living:
            self.members[new_thread(self.store)] = Member()
            return
        chosen = living[first % len(living)]
        getattr(self, f"_{verb}{'_thread' if verb == 'fork' else ''}")(chosen, how, second)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _append(self, chosen: str, _: str, __: int) -> None:
        member, question = self.members[chosen], f"question {self._next()}"
        items = [said("user", question), said("assistant", f"re: {question}")]
        if member.is_archived:
            with pytest.raises(Conflict, match="archived"):
                self.store.append_turn(chosen, items)
            return
        whole = self.store.append_turn(chosen, items)
        member.is_compressed = False
        member.said.append(Said(whole.turn.id, question))

    def _fork_thread(self, chosen: str, how: str, second: int) -> None:
        member = self.members[chosen]
        if not member.said and member.is_legacy:
            return  # what was taken back is still there to be forked
        if not member.said:
            if how == "head":
                with pytest.raises(InvalidRequest, match="empty"):
                    fork.fork_thread(self.store, chosen)
            return
        at = second % len(member.said)
        turn = member.said[at].turn_id
        bounds = {"head": {}, "before": {"before_turn": turn}, "through": {"through_turn": turn}}[how]
        made = fork.fork_thread(self.store, chosen, exclude_turns=True, **bounds)  # type: ignore[arg-type]
        kept = {"head": len(member.said), "before": at, "through": at + 1}[how]
        self.members[made.id] = member.copy(kept)

    def _compact(self, chosen: str, _: str, __: int) -> None:
        member = self.members[chosen]
        if member.is_archived or member.is_legacy or not member.said:
            return
        text = f"summary {self._next()}"
        with self.store.record(chosen) as recorder:
            recorder.compact([said("user", text)])
        member.is_compressed = False
        newest = self.store.turns(chosen, limit=1).data[0].id
        assert newest not in {one.turn_id for one in member.said}
        member.said.append(Said(newest, "", (text,)))

    def _revert(self, chosen: str, _: str, second: int) -> None:
        member = self.members[chosen]
        if not member.said or member.is_archived:
            return
        at = second % len(member.said)
        if member.is_legacy:
            with pytest.raises(InvalidRequest, match="legacy"):
                self.store.revert_thread(chosen, before_turn=member.said[at].turn_id)
            return
        self.store.revert_thread(chosen, before_turn=member.said[at].turn_id).close()
        del member.said[at:]
        member.is_compressed = False

    def _roll(self, chosen: str, _: str, second: int) -> None:
        member = self.members[chosen]
        if not member.is_legacy or member.is_archived or not member.said:
            return
        count = 1 + second % 2
        self.store.roll_back_thread(chosen, count)
        member.is_compressed = False
        del member.said[max(0, len(member.said) - count) :]

    def _archive(self, chosen: str, _: str, __: int) -> None:
        if not self.members[chosen].is_archived:
            self.store.archive_thread(chosen)
            self.members[chosen].is_archived = True

    def _unarchive(self, chosen: str, _: str, __: int) -> None:
        if self.members[chosen].is_archived:
            self.store.unarchive_thread(chosen)
            self.members[chosen].is_archived = False

    def _compress(self, chosen: str, _: str, __: int) -> None:
        """Do as another client does with a thread that it has not used for long."""
        with self.store.open_thread(chosen) as opened:
            path = opened.files()[-1].path
        if path.endswith(".zst"):
            return
        packed = zstandard.ZstdCompressor().compress(self.fs.files()[path])
        with self.fs.create(f"{path}.zst") as out:
            out.append(packed)
            out.sync()
        self.fs.remove(path)
        self.fs.sync_folder(path.rpartition("/")[0])
        self.members[chosen].is_compressed = True

    def _seal(self, chosen: str, _: str, __: int) -> None:
        """Compress every rollout of a thread."""
        around = self.store.surroundings()
        plan = plan_compressing(around, [ThreadId(chosen)], older_than_ms=0, min_size_bytes=0)
        done = list(apply_compressing(around, plan))
        assert {one.outcome for one in done} <= {Outcome.COMPRESSED, Outcome.SKIPPED}
        with self.store.open_thread(chosen) as opened:
            self.members[chosen].is_compressed = opened.files()[-1].name.is_compressed

    def _thaw(self, chosen: str, _: str, __: int) -> None:
        decompress(self.store.surroundings(), ThreadId(chosen))
        self.members[chosen].is_compressed = False

    def _flatten(self, chosen: str, _: str, __: int) -> None:
        member = self.members[chosen]
        if member.is_archived:
            return
        with self.store.open_thread(chosen) as opened:
            is_alone, is_on_legacy = len(opened.segments()) == 1, not opened.lineage.is_paginated
        fork.flatten_thread(self.store, chosen)
        if not is_alone:
            member.is_compressed = False
            member.is_legacy = is_on_legacy

    def _delete(self, chosen: str, how: str, _: int) -> None:
        mode = {
            "": DeleteMode.PLAIN,
            "keep": DeleteMode.KEEP_FOR_FORKS,
            "flatten": DeleteMode.FLATTEN_CHILDREN,
            "cascade": DeleteMode.CASCADE,
        }[how]

        def flatten(thread_id: str) -> object:
            return fork.flatten_thread(self.store, thread_id)

        try:
            gone = self.store.delete_thread(chosen, mode, flatten)
        except Conflict:
            assert mode in {DeleteMode.PLAIN, DeleteMode.FLATTEN_CHILDREN}
            return
        for thread_id in gone.thread_ids:
            self.members[thread_id].is_deleted = True
        for thread_id in gone.flattened:
            self._settle(thread_id)

    def _undelete(self, _: str, __: str, second: int) -> None:
        hidden = [one for one, member in self.members.items() if member.is_deleted]
        if not hidden:
            return
        try:
            shown = self.store.undelete_thread(hidden[second % len(hidden)])
        except (Conflict, NotFound):
            return  # its bytes were reclaimed
        for thread_id in shown.thread_ids:
            self.members[thread_id].is_deleted = False
            self._settle(thread_id)

    def _prune(self, _: str, how: str, __: int) -> None:
        plan = plan_prune(self.store, superseded=how == "superseded")
        for step in apply_prune(self.store, plan):
            assert step.error is None

    def _checkpoint(self, chosen: str, _: str, __: int) -> None:
        with suppress(InvalidRequest):  # a fork, or a revert, that has said nothing yet
            self.store.checkpoint(chosen)

    def _settle(self, thread_id: str) -> None:
        """Take from the store what a thread's newest rollout is; not what it holds."""
        with self.store.open_thread(thread_id) as opened:
            member, file = self.members[thread_id], opened.files()[-1]
            member.is_legacy = opened.segments()[-1].history_mode.value == "legacy"
            member.is_compressed, member.is_archived = file.name.is_compressed, file.is_archived


def assert_reads_as(store: Store, thread_id: str, member: Member) -> None:
    """Check that every reading of a thread gives what the model says."""
    if member.is_deleted:
        with pytest.raises(NotFound, match=r"deleted|no file name"):
            store.open_thread(thread_id)
        return
    with store.open_thread(thread_id) as opened:
        assert turns_of(opened) == member.turns()
        assert list(_texts(opened.context().input_json())) == member.context()
        assert list(_texts(opened.context(full_replay=True).input_json())) == member.context()
        pages, cursor = [], None
        while True:
            page = opened.turns(limit=2, cursor=cursor, view=ItemsView.SUMMARY)
            pages += [(turn.id, _question(turn)) for turn in page.data]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert pages[::-1] == member.turns()


def assert_reads_as_either(store: Store, thread_id: str, before: Member, after: Member) -> None:
    """Check a thread after a crash: as it was, or as what was being done would have left it.

    Of a turn that was being recorded whole, a part may be there, as long as it does not read as done.
    """
    if before.is_deleted is not after.is_deleted:
        try:
            store.open_thread(thread_id).close()
        except NotFound:
            return
        before = after = before if after.is_deleted else after
    if before.is_deleted:
        assert_reads_as(store, thread_id, before)
        return
    with store.open_thread(thread_id) as opened:
        turns = turns_of(opened)
        assert turns in (before.turns(), after.turns())
        texts = list(_texts(opened.context().input_json()))
    if turns == after.turns() and texts == after.context():
        return
    assert turns == before.turns()
    assert texts[: len(before.context())] == before.context()


def turns_of(opened: Thread) -> list[tuple[str, str]]:
    """Return id and question of every turn that has ended."""
    return [
        (turn.id, _question(turn))
        for turn in opened.all_turns(view=ItemsView.SUMMARY)
        if turn.status is TurnStatus.COMPLETED
    ]


def _question(turn: Turn) -> str:
    texts = [
        part.text
        for item in turn.items
        if isinstance(item, UserMessage)
        for part in item.content
        if isinstance(part, TextInput)
    ]
    return "".join(texts)


def _texts(content: bytes) -> Iterator[str]:
    items: list[dict[str, Any]] = json.loads(content)
    for item in items:
        yield "".join(part["text"] for part in item["content"])
