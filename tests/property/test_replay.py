"""Resuming holds for any log: bounded read = full replay = the oracle, in one file and along lineages."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.log import chunks
from rollout.replay.context import Context, read_context
from rollout.testing.strategies import (
    LEGACY,
    PAGINATED,
    Cut,
    Line,
    compacted_logs,
    lineages,
    logs,
    write_lineage,
    write_log,
)
from tests.builders import DAY, Home, plain, thread, uuid
from tests.property.oracle import lineage_of
from tests.property.oracle_context import resume

BLOCKS = st.sampled_from([256, 1 << 16])
WINDOW = {"context_window": {"window_id": uuid(0xA)}}


def home_of(files: dict[str, bytes]) -> Home:
    """Return a home that holds these rollouts, by rollout id."""
    made = Home()
    for rollout_id, content in files.items():
        made.fs.put(f"{DAY}/rollout-2026-11-21T04-09-33-{rollout_id}.jsonl", content)
    return made


def answer(context: Context) -> dict[str, Any]:
    """Return a context under the oracle's names."""
    window, usage = context.window, context.usage
    reported = usage.info.total_token_usage if usage.info is not None else None
    settings: Any = plain(context.previous_turn_settings)
    return {
        "history": json.loads(context.input_json()),
        "settings": settings,
        "reference": plain(context.reference_context),
        "world": plain(context.world_state),
        "window": [window.number, window.first_id, window.previous_id, window.id],
        "reported": reported.total_tokens if reported is not None else None,
        "thread": usage.thread.total_tokens if usage.thread is not None else None,
        "model": context.latest_context.model if context.latest_context is not None else None,
        "next_ordinal": context.next_ordinal,
    }


def answers(files: dict[str, bytes], block_bytes: int) -> list[dict[str, Any]]:
    """Resume the last of the rollouts, bounded and full."""
    sizes = {"_FIRST_BLOCK_BYTES": block_bytes, "_LAST_BLOCK_BYTES": 2 * block_bytes}
    made = home_of(files)
    newest = thread(int(list(files)[-1][-4:], 16))
    found: list[dict[str, Any]] = []
    for reads_everything in (False, True):
        with mock.patch.multiple(chunks, **sizes), made.open(newest) as lineage:
            found.append(answer(read_context(lineage, reads_everything=reads_everything)))
    return found


def expected(files: dict[str, bytes]) -> dict[str, Any]:
    """Return the oracle's answer for the last of the rollouts."""
    return resume(lineage_of(files, list(files)[-1]))


def files_of(cuts: list[Cut]) -> dict[str, bytes]:
    """Write a lineage; return its files by rollout id, oldest first."""
    ids = [uuid(number) for number in range(1, len(cuts) + 1)]
    return dict(zip(ids, (made.content for made in write_lineage(ids, cuts, **WINDOW)), strict=True))


@pytest.mark.parametrize("mode", [LEGACY, PAGINATED])
@settings(max_examples=600)
@given(lines=logs(), has_window=st.booleans(), block_bytes=BLOCKS)
def test_one_file(mode: str, lines: list[Line], has_window: bool, block_bytes: int) -> None:
    """Whatever stands in it, in whatever order."""
    files = {uuid(1): write_log(uuid(1), mode, lines, **(WINDOW if has_window else {})).content}
    wanted = expected(files)
    bounded, full = answers(files, block_bytes)
    assert bounded == wanted
    assert full == wanted


@pytest.mark.parametrize("mode", [LEGACY, PAGINATED])
@settings(max_examples=600)
@given(lines=compacted_logs(), block_bytes=BLOCKS)
def test_a_compacted_file(mode: str, lines: list[Line], block_bytes: int) -> None:
    """Where a read may stop, what it has not read changes nothing."""
    files = {uuid(1): write_log(uuid(1), mode, lines, **WINDOW).content}
    wanted = expected(files)
    bounded, full = answers(files, block_bytes)
    assert bounded == wanted
    assert full == wanted


@settings(max_examples=300)
@given(cuts=lineages(), block_bytes=BLOCKS)
def test_a_lineage(cuts: list[Cut], block_bytes: int) -> None:
    """What ancestors wrote behind the cut is not there; where a file ends does not matter."""
    files = files_of(cuts)
    wanted = expected(files)
    bounded, full = answers(files, block_bytes)
    assert bounded == wanted
    assert full == wanted


@given(cuts=lineages(is_orderly=True))
def test_a_lineage_is_one_file_cut_up(cuts: list[Cut]) -> None:
    """A fork reads like the file in which nothing was forked, but for the ordinals of headers."""
    lines = [line for cut in cuts for line in cut.lines]
    whole = write_log(uuid(1), PAGINATED, lines, **WINDOW).content
    (cut_up, _), (in_one, _) = answers(files_of(cuts), 1 << 16), answers({uuid(1): whole}, 1 << 16)
    assert cut_up.pop("next_ordinal") == in_one.pop("next_ordinal") + len(cuts) - 1
    assert cut_up == in_one


@pytest.mark.parametrize("mode", [LEGACY, PAGINATED])
@given(data=st.data(), lines=logs(max_size=6), block_bytes=BLOCKS)
def test_any_prefix(mode: str, data: st.DataObject, lines: list[Line], block_bytes: int) -> None:
    """A log that a crash cut anywhere behind its header reads as its complete lines."""
    made = write_log(uuid(1), mode, lines)
    end = data.draw(st.integers(made.ends[0][0], len(made.content)))
    files = {uuid(1): made.content[:end]}
    wanted = expected(files)
    bounded, full = answers(files, block_bytes)
    assert bounded == wanted
    assert full == wanted


@given(data=st.data(), cuts=lineages())
def test_any_cut_of_an_ancestor(data: st.DataObject, cuts: list[Cut]) -> None:
    """A base may name any offset of its parent, also one inside a line."""
    files = files_of(cuts)
    parent = data.draw(st.sampled_from(list(files)))
    offset = data.draw(st.integers(0, len(files[parent])))
    base = {"thread_id": parent, "end_ordinal_exclusive": 1, "end_byte_offset": offset}
    files[uuid(9)] = write_log(uuid(9), PAGINATED, [], base=base).content
    wanted = expected(files)
    bounded, full = answers(files, 256)
    assert bounded == wanted
    assert full == wanted
