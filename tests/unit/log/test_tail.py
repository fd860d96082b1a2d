"""The search for the newest seal of a log that another client goes on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.format.seals import seal_member
from rollout.fs.posix import POSIX
from rollout.log.anchor import ANCHOR_TAIL_BYTES
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.log.header import read_header
from rollout.log.source import open_source
from rollout.log.tail import Tail, read_tail
from tests.unit.made_lines import header, line

BLOCK = 1 << 20
SEALED = line("event_msg", {"type": "task_complete", "turn_id": "t"})[:-2] + seal_member(0, "d" * 43) + b"}\n"
UNSEALED = line("event_msg", {"type": "shutdown_complete", "text": "x" * 1000})


def tail_behind(tmp_path: Path, before: bytes, after_bytes: int) -> Tail:
    """Read the end of a log with `after_bytes` of another client's lines behind `before`."""
    path = tmp_path / "rollout.jsonl"
    lines = UNSEALED * (after_bytes // len(UNSEALED) - 1)
    last = UNSEALED.replace(b"xxx", b"x" * (3 + after_bytes - len(lines) - len(UNSEALED)), 1)
    path.write_bytes(header() + before + lines + last)
    with open_source(POSIX, str(path)) as source:
        return read_tail(source, read_header(source), MAX_LINE_BYTES, is_ours=False)


@pytest.mark.parametrize("shift", range(-1, 12))
def test_seal_across_blocks_is_found(shift: int, tmp_path: Path) -> None:
    """Wherever the blocks in which it is searched for meet, its range goes on from it."""
    member_bytes = len(SEALED) - SEALED.index(b',"seal":"')
    tail = tail_behind(tmp_path, SEALED, BLOCK - member_bytes + shift)
    assert tail.covered_from == len(header()) + SEALED.index(b',"seal":"')


def test_far_seal_is_not_looked_for(tmp_path: Path) -> None:
    """Behind 5 MB of another client's lines our next seal begins anew, a little before the end."""
    tail = tail_behind(tmp_path, SEALED, 5 * BLOCK)
    assert tail.covered_from == tail.end_offset - ANCHOR_TAIL_BYTES


def test_text_of_a_seal_inside_an_item_is_none(tmp_path: Path) -> None:
    """What an item says of seals takes the longer way, and does not change the answer."""
    said = line(
        "event_msg", {"type": "shutdown_complete", "seal": "0." + "d" * 43, "z": {"a": 1, "seal": "x"}}
    )
    tail = tail_behind(tmp_path, said, BLOCK)
    assert tail.covered_from == tail.end_offset - ANCHOR_TAIL_BYTES
