"""A glance at a log claims it to be in order only where every one of its lines is."""

from __future__ import annotations

import pytest

from rollout.store.copy_glance import UnclearError, iter_in_order
from tests.builders import Home, thread

LINE = (
    b'{"timestamp":"2026-11-21T04:09:33.000Z","ordinal":7,'
    b'"type":"event_msg","payload":{"type":"token_count"}}\n'
)
ODD = {
    "letters before a record": b"xx" + LINE,
    "an empty line": b"\n" + LINE,
    "a blank before a newline": LINE[:-1] + b" \n",
    "a line that is not ended": LINE[:-1],
    "a line of something else": b"[]\n" + LINE,
    "an end of a turn by a longer name": LINE.replace(b"token_count", b"task_completeX"),
    "an event whose type comes later": LINE.replace(b'{"type":', b'{"a":1,"type":'),
    "an escape in the time": LINE.replace(b":33.", b":3\\u0033."),
    "an ordinal with a zero before it": LINE.replace(b"7", b"07"),
    "an item without its turn": LINE.replace(b"token_count", b"item_completed"),
    "a type of other letters": LINE.replace(b"event_msg", b"Event"),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_line_is_not_in_order(odd: bytes) -> None:
    """Wherever it stands."""
    made = thread(1).turn("a")
    made.raw(odd.replace(b'"ordinal":7', b'"ordinal":%d' % made.next_ordinal))
    home = Home()
    home.put(made)
    with home.open(made) as lineage, pytest.raises(UnclearError):
        list(iter_in_order(lineage))


def test_the_line_that_the_odd_ones_are_made_of_is_in_order() -> None:
    """So that it is what was altered that tells."""
    made = thread(1).turn("a")
    made.raw(LINE.replace(b'"ordinal":7', b'"ordinal":%d' % made.next_ordinal))
    home = Home()
    home.put(made)
    with home.open(made) as lineage:
        assert b"".join(stretch.content for stretch in iter_in_order(lineage)).endswith(LINE[-40:])
