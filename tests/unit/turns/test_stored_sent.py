"""What a user sent is found as `public_item` finds it, without the shapes of all other items."""

from __future__ import annotations

import msgspec
import pytest

from rollout.turns.items import UserMessage
from rollout.turns.stored import public_item
from rollout.turns.stored_sent import find_sent

ITEMS = {
    "text": b'{"type":"UserMessage","id":"1","content":[{"type":"text","text":"Mend it"}]}',
    "type last": b'{"id":"1","content":[],"type":"UserMessage"}',
    "a picture by URL": b'{"type":"UserMessage","id":"1","content":[{"type":"image","image_url":"data:,"}]}',
    "an empty URL": b'{"type":"UserMessage","id":"1","content":[{"type":"image","image_url":""}]}',
    "a sound by id": b'{"type":"UserMessage","id":"1","content":[{"type":"audio","file_id":"f"}]}',
    "a mention": b'{"type":"UserMessage","id":"1","content":[{"type":"mention","name":"n","path":"p"}]}',
    "a picture from nowhere": b'{"type":"UserMessage","id":"1","content":[{"type":"image"}]}',
    "a sound of no id": b'{"type":"UserMessage","id":"1","content":[{"type":"audio","file_id":""}]}',
    "a part of unknown type": b'{"type":"UserMessage","id":"1","content":[{"type":"smell"}]}',
    "no id": b'{"type":"UserMessage","content":[]}',
    "no type": b'{"id":"1","content":[{"type":"text","text":"Mend it"}]}',
    "a type of null": b'{"type":null,"id":"1","content":[]}',
    "two types": b'{"type":"UserMessage","id":"1","content":[],"type":"Plan"}',
    "another type": b'{"type":"Plan","id":"1","text":"First","content":[]}',
    "an unknown type": b'{"type":"Thought","id":"1","content":[]}',
    "no object": b"[]",
}


@pytest.mark.parametrize("stored", ITEMS.values(), ids=ITEMS.keys())
def test_a_message_is_found_where_clients_see_one(stored: bytes) -> None:
    """Titles and turns agree on what a user sent."""
    item = public_item(stored)
    sent = find_sent(msgspec.Raw(stored))
    assert (sent is not None) is isinstance(item, UserMessage)
