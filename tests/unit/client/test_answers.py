"""Shapes that a client reads are those that a server writes."""

from __future__ import annotations

import msgspec
import pytest

from rollout.appserver import reading, shapes, watching
from rollout.client import answers, following
from rollout.store.checkpoints import KeptCheckpoint


def names(shape: type) -> list[str]:
    """Return the members of a shape as they are spelled."""
    return [field.encode_name for field in msgspec.structs.fields(shape)]


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (answers.Kept, KeptCheckpoint),
        (answers.Settled, shapes.Settled),
        (answers.TakenUp, shapes.Resumed),
        (answers.ItemEntry, reading.ItemEntry),
        (following.StoredRecord, watching.RecordShown),
        (following.Position, watching.Position),
    ],
)
def test_every_member_that_is_read_is_written(read: type, written: type) -> None:
    """A name that is spelled otherwise would be read as its default."""
    assert set(names(read)) <= set(names(written))
