"""A checkpoint changes no answer: wherever it stands, whatever follows, in the log or beside it."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.format.encoding import Draft, line_front
from rollout.log import chunks
from rollout.replay.checkpoint import Parts, Place
from rollout.replay.context import Context, read_context
from rollout.replay.foundation import Sidecars
from rollout.replay.growing import GrowingCheckpoint
from rollout.replay.lineage import Segment
from rollout.replay.positions import make_checkpoint
from rollout.testing.strategies import (
    LEGACY,
    PAGINATED,
    TIME,
    Cut,
    Line,
    compacted_logs,
    lineages,
    logs,
    write_log,
)
from tests.builders import thread, uuid
from tests.property.oracle import lineage_of
from tests.property.oracle_context import resume
from tests.property.test_replay import answer, home_of

BLOCKS = st.sampled_from([256, 1 << 16])
PLACES = st.lists(st.integers(0, 1 << 16), max_size=4)
WINDOW = {"context_window": {"window_id": uuid(0xA)}}


class Kept:
    """Sidecars in memory, by rollout id."""

    def __init__(self, contents: dict[str, bytes] | None = None) -> None:
        self.contents = contents if contents is not None else {}

    def find(self, segment: Segment) -> bytes | None:
        return self.contents.get(segment.rollout_id)

    def offer(self, segment: Segment, content: bytes) -> None:
        self.contents[segment.rollout_id] = content


def made_of(files: dict[str, bytes], sidecars: Sidecars | None = None) -> bytes | None:
    """Return the checkpoint at the end of the last of the rollouts."""
    newest = thread(int(list(files)[-1][-4:], 16))
    with home_of(files).open(newest) as lineage:
        made = make_checkpoint(lineage, sidecars)
    return made.content if made is not None else None


def with_checkpoints(
    files: dict[str, bytes], rollout_id: str, content: bytes, ends: list[int], places: list[int]
) -> bytes:
    """Return a rollout's content with a checkpoint behind some of its lines, each made where it stands."""
    chosen = {ends[place % len(ends)] for place in places}
    written = b""
    start = 0
    for end in ends:
        written += content[start:end]
        start = end
        if end in chosen:
            payload = made_of({**files, rollout_id: written})
            if payload is not None:
                written += line_front(TIME, None, Draft("checkpoint", payload)) + b"}\n"
    return written


def everything(context: Context) -> Any:
    """Return all that a resume answers, the way it was read left out."""
    return (
        context.input_json(),
        context.previous_turn_settings,
        context.reference_context,
        context.world_state,
        context.window,
        context.usage,
        context.next_ordinal,
        context.not_resumable,
        context.latest_context,
    )


def check(files: dict[str, bytes], block_bytes: int, sidecars: Sidecars | None = None) -> None:
    """Resume the last of the rollouts through its checkpoints, in full, and with the oracle."""
    newest = thread(int(list(files)[-1][-4:], 16))
    sizes = {"_FIRST_BLOCK_BYTES": block_bytes, "_LAST_BLOCK_BYTES": 2 * block_bytes}
    made = home_of(files)
    with mock.patch.multiple(chunks, **sizes):
        with made.open(newest) as lineage:
            through = read_context(lineage, sidecars=sidecars)
        with made.open(newest) as lineage:
            full = read_context(lineage, reads_everything=True)
    assert everything(through) == everything(full)
    assert answer(through) == resume(lineage_of(files, list(files)[-1]))


@pytest.mark.parametrize("mode", [LEGACY, PAGINATED])
@settings(max_examples=500)
@given(lines=logs() | compacted_logs(), has_window=st.booleans(), places=PLACES, block_bytes=BLOCKS)
def test_in_the_log(
    mode: str, lines: list[Line], has_window: bool, places: list[int], block_bytes: int
) -> None:
    """Behind any lines of any log."""
    made = write_log(uuid(1), mode, lines, **(WINDOW if has_window else {}))
    ends = [end for end, _ in made.ends]
    check({uuid(1): with_checkpoints({}, uuid(1), made.content, ends, places)}, block_bytes)


@pytest.mark.parametrize("mode", [LEGACY, PAGINATED])
@settings(max_examples=500)
@given(lines=logs() | compacted_logs(), places=PLACES, block_bytes=BLOCKS)
def test_beside_the_log(mode: str, lines: list[Line], places: list[int], block_bytes: int) -> None:
    """Made when the log was any shorter, one after the other."""
    made = write_log(uuid(1), mode, lines, **WINDOW)
    ends = sorted({made.ends[place % len(made.ends)][0] for place in places})
    sidecars = Kept()
    for end in ends:
        kept = made_of({uuid(1): made.content[:end]}, sidecars)
        if kept is not None:
            sidecars.contents[uuid(1)] = kept
    check({uuid(1): made.content}, block_bytes, sidecars)


@pytest.mark.parametrize("mode", [LEGACY, PAGINATED])
@settings(max_examples=300)
@given(lines=logs() | compacted_logs(), places=PLACES, block_bytes=BLOCKS)
def test_kept_up_while_the_log_grows(
    mode: str, lines: list[Line], places: list[int], block_bytes: int
) -> None:
    """Moved on from one place to the next, where it can be; then it says what one read back says."""
    made = write_log(uuid(1), mode, lines, **WINDOW)
    ends = sorted({made.ends[place % len(made.ends)][0] for place in places})
    known: GrowingCheckpoint | None = None
    newest = thread(1)
    for end in ends:
        with home_of({uuid(1): made.content[:end]}).open(newest) as lineage:
            if known is not None and known.advance(lineage):
                kept = known.make(lineage)
            else:
                kept = make_checkpoint(lineage)
                known = GrowingCheckpoint(kept) if kept is not None else None
        if kept is not None:
            check({uuid(1): made.content}, block_bytes, Kept({uuid(1): kept.content}))


@settings(max_examples=300)
@given(cuts=lineages(), places=PLACES, is_beside=st.booleans(), block_bytes=BLOCKS)
def test_along_a_lineage(cuts: list[Cut], places: list[int], is_beside: bool, block_bytes: int) -> None:
    """In any of its files, below and above the cuts."""
    files: dict[str, bytes] = {}
    sidecars = Kept()
    base = None
    for number, cut in enumerate(cuts, start=1):
        rollout_id = uuid(number)
        made = write_log(rollout_id, PAGINATED, cut.lines + cut.later, base=base, **WINDOW)
        offset, ordinal = made.ends[len(cut.lines)]
        ends = [end for end, _ in made.ends]
        content = made.content
        if is_beside:
            kept = made_of({**files, rollout_id: content[: ends[sum(places) % len(ends)]]}, sidecars)
            if kept is not None and places:
                sidecars.contents[rollout_id] = kept
        else:
            head = with_checkpoints(files, rollout_id, content[:offset], ends[: len(cut.lines) + 1], places)
            content = head + content[offset:]
            offset = len(head)
        files[rollout_id] = content
        base = {"thread_id": rollout_id, "end_ordinal_exclusive": ordinal, "end_byte_offset": offset}
    check(files, block_bytes, sidecars)


@settings(max_examples=300)
@given(data=st.data(), lines=logs() | compacted_logs(), is_swapped=st.booleans())
def test_a_spoilt_sidecar(data: st.DataObject, lines: list[Line], is_swapped: bool) -> None:
    """Cut short, a bit of it flipped, or that of another rollout: nothing changes."""
    made = write_log(uuid(1), LEGACY, lines)
    end = made.ends[data.draw(st.integers(0, len(made.ends) - 1))][0]
    if is_swapped:
        others = write_log(uuid(2), LEGACY, lines + data.draw(logs(max_size=2)))
        kept = made_of({uuid(2): others.content}) or b""
    else:
        kept = made_of({uuid(1): made.content[:end]}) or b"{}"
        bit = data.draw(st.integers(0, 8 * len(kept) - 1))
        if data.draw(st.booleans()):
            spoilt = bytearray(kept)
            spoilt[bit // 8] ^= 1 << bit % 8
            kept = bytes(spoilt)
        else:
            kept = kept[: bit // 8]
    check({uuid(1): made.content}, 1 << 16, Kept({uuid(1): kept}))


RUNS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50), st.integers(1, 50)), max_size=30)


@given(runs=RUNS)
def test_places_round_trip(runs: list[tuple[int, int, int]]) -> None:
    """Lines come back in their order, wherever they lie; those side by side as one."""
    parts = Parts()
    for segment, start, size in runs:
        parts.add_line(Place(segment, start, size), b"")
    found = [place for part in parts.result() for place in part.places()]
    joined: list[Place] = []
    for segment, start, size in runs:
        last = joined[-1] if joined else None
        if last is not None and (last.segment, last.end_offset) == (segment, start):
            joined[-1] = Place(segment, last.start_offset, last.size_bytes + size)
        else:
            joined.append(Place(segment, start, size))
    assert found == joined
