"""Shapes that a client reads are those that a server writes."""

from __future__ import annotations

import inspect
import json
import re

import msgspec
import pytest

from rollout.appserver import reading, shapes, watching
from rollout.appserver.dispatch import METHODS
from rollout.client import answers, following
from rollout.client import client as methods
from rollout.client.client import Client
from rollout.store.checkpoints import KeptCheckpoint
from rollout.wire import threads
from tests.unit.client.peer import Peer, with_client

OTHERS = {
    "thread/inject_items",
    "thread/loaded/list",
    "thread/memoryMode/set",
    "thread/metadata/update",
    "thread/timeline/list",
}
"""Methods without a function, which `Client.ask` reaches."""


def names(shape: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the members of a shape as they are spelled."""
    return shape.__struct_encode_fields__


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (answers.Thread, threads.Thread),
        (answers.ThreadPage, threads.ThreadPage),
        (answers.Lineage, threads.Shown),
        (answers.Kept, KeptCheckpoint),
        (answers.Settled, shapes.Settled),
        (answers.TakenUp, shapes.Resumed),
        (answers.ItemEntry, reading.ItemEntry),
        (following.StoredRecord, watching.RecordShown),
        (following.Position, watching.Position),
    ],
)
def test_every_member_that_is_read_is_written(
    read: type[msgspec.Struct], written: type[msgspec.Struct]
) -> None:
    """A name that is spelled otherwise would be read as its default."""
    assert set(names(read)) <= set(names(written))


def test_every_method_has_a_function_or_is_asked_by_its_name() -> None:
    """A method that a server gains is looked at here."""
    sources = inspect.getsource(methods) + inspect.getsource(following)
    named = set(re.findall(r'"((?:thread|rollout)/[\w/]+)"', sources)) - {following.RECORDS, following.ENDED}
    assert named == METHODS.keys() - OTHERS


def test_any_method_can_be_asked() -> None:
    """By its name, with members as they are spelled, null included."""

    async def run(client: Client, peer: Peer) -> None:
        peer.answers["thread/loaded/list"] = lambda params: {"data": [], "nextCursor": None, "asked": params}
        found = json.loads(bytes(await client.ask("thread/loaded/list", limit=None)))
        assert found["asked"] == {"limit": None}

    with_client(run)
