"""The home `damaged`, first part: rollouts with something wrong between their first line and their last.

Two turns stand around the damage, seven records each; in a paginated file the header has ordinal 0,
so that an undamaged file of two turns ends with ordinal 14.
"""

from collections.abc import Callable

from handmade.draft import Draft, JsonObject, Span, text_message, uuid
from handmade.expected import (
    Expectation,
    Harm,
    legacy_turn,
    paginated_turn,
    turn,
    user_item,
)
from handmade.homes import Home

_ONE = ("turn-1", "First question.", "First answer.")
_TWO = ("turn-2", "Second question.", "Second answer.")

Damage = Callable[[Draft], list[Harm]]


def add_damaged_lines(home: Home) -> None:
    """Add the threads."""
    for number, (about, damage) in enumerate(_BETWEEN_TURNS.items(), start=0x10):
        _add_between_turns(home, uuid(number), about, damage)
    _add_torn_tail(home)
    _add_no_newline(home)
    _add_ordinals(home)
    _add_no_ordinals(home)
    _add_last_without_ordinal(home)
    _add_unknown_last(home)
    _add_over_long(home)


def _whole(thread_id: str, mode: str = "paginated") -> Draft:
    draft = Draft(thread_id, mode)
    draft.header()
    return draft


def _add_between_turns(home: Home, thread_id: str, about: str, damage: Damage) -> None:
    """Add a paginated and a legacy thread with the same damage between two turns."""
    legacy_id = thread_id[:14] + "4" + thread_id[15:]  # a version 4 UUID is accepted as well
    for mode, own_id in (("paginated", thread_id), ("legacy", legacy_id)):
        draft = _whole(own_id, mode)
        items = draft.turn(*_ONE)
        harm = damage(draft)
        items += draft.turn(*_TWO)
        is_paginated = mode == "paginated"
        turns = (
            [paginated_turn(*_ONE), paginated_turn(*_TWO)]
            if is_paginated
            else [legacy_turn("turn-1", 1, *_ONE[1:]), legacy_turn("turn-2", 3, *_TWO[1:])]
        )
        home.add(
            draft,
            Expectation(
                f"{mode}: {about}",
                context=items,
                turns=turns,
                damage=harm,
                next_ordinal=15 if is_paginated else None,
            ),
        )


def _one(reason: str, content: bytes) -> Damage:
    """Return damage of one line."""
    return lambda draft: [Harm(reason, draft.raw(content))]


def _item_line(text: str, **members: object) -> bytes:
    """Return a line with a user message but no ordinal, as it must not come to be read."""
    draft = Draft(uuid(0))
    draft.record("response_item", text_message("user", text), **members)
    return draft.content


def _bad_lines(draft: Draft) -> list[Harm]:
    """Write one line of each kind that is no record."""

    def record(type_: str, payload: JsonObject) -> Span:
        return draft.line({"timestamp": draft.stamp(), "type": type_, "payload": payload})

    return [
        Harm("notJson", draft.raw(b'{"timestamp":"2026-02-03T10:00:00.000Z","type":"event_msg",\n')),
        Harm("notJson", draft.raw(_item_line("Whole.")[:-1] + _item_line("And a second object."))),
        Harm("notJson", draft.raw(b"\0" * 512 + b"\n")),
        Harm("badEnvelope", draft.raw(b"[]\n")),
        Harm("badEnvelope", draft.line({"timestamp": draft.stamp(), "type": "event_msg"})),
        Harm("badEnvelope", draft.line({"timestamp": 1, "type": "event_msg", "payload": {}})),
        Harm("badEnvelope", draft.raw(_item_line("Numbered by text.", ordinal="8"))),
        Harm("badPayload", record("response_item", {"type": "message", "role": "user"})),
        Harm("badPayload", record("response_item", {"type": "message", "role": "user", "content": "Text."})),
        Harm("badPayload", record("event_msg", {"type": "task_started"})),
        Harm("badPayload", record("turn_context", {"cwd": "/src/app"})),
        Harm("badPayload", record("compacted", {"message": "", "replacement_history_metadata": [None]})),
    ]


def _harmless_lines(draft: Draft) -> list[Harm]:
    """Write lines that are no records and no damage: newer, obsolete, blank."""
    stamp = draft.stamp()
    draft.line({"timestamp": stamp, "type": "brand_new", "payload": {"x": 1}})
    draft.line({"timestamp": stamp, "type": "event_msg", "payload": {"type": "brand_new"}})
    draft.line({"timestamp": stamp, "type": "response_item", "payload": {"type": "ghost_snapshot"}})
    draft.raw(b"\n  \r\n")
    return []


_BETWEEN_TURNS: dict[str, Damage] = {
    "a line that is not UTF-8": _one("badUtf8", _item_line("b?d").replace(b"?", b"\xff")),
    "one line of each kind that is no record": _bad_lines,
    "lines of newer releases, of older ones, and blank ones": _harmless_lines,
}


def _add_torn_tail(home: Home) -> None:
    draft = _whole(uuid(0x20))
    items = draft.turn(*_ONE)
    torn = draft.raw(b'{"timestamp":"2026-02-03T10:00:09.000Z","ordinal":8,"type":"event_msg","payl')
    home.add(
        draft,
        Expectation(
            "paginated: the last line was cut short by a crash",
            context=items,
            turns=[paginated_turn(*_ONE)],
            damage=[Harm("tornTail", torn)],
            next_ordinal=8,
        ),
    )


def _add_no_newline(home: Home) -> None:
    draft = _whole(uuid(0x21))
    items = draft.turn(*_ONE) + draft.turn(*_TWO)
    home.add(
        draft,
        Expectation(
            "paginated: the last record lacks its newline; it counts, but not yet for the turns",
            context=items,
            turns=[paginated_turn(*_ONE), paginated_turn(*_TWO, status="interrupted")],
            next_ordinal=15,
        ),
        content=draft.content[:-1],
    )


def _add_ordinals(home: Home) -> None:
    """Add gaps, and ordinals that are used twice or missing on the way."""
    gaps = _whole(uuid(0x22))
    items = gaps.turn(*_ONE)
    gaps.next_ordinal = 20
    items += gaps.turn(*_TWO)
    home.add(
        gaps,
        Expectation(
            "paginated: ordinals jump from 7 to 20, and go on from there",
            context=items,
            turns=[paginated_turn(*_ONE), paginated_turn(*_TWO)],
            next_ordinal=27,
        ),
    )
    for number, about, ordinal in (
        (0x23, "an ordinal used twice: the second record is said but not shown", 10),
        (0x24, "a record without ordinal: it is said but not shown", None),
    ):
        draft = _whole(uuid(number))
        items = draft.turn(*_ONE)
        draft.event("task_started", turn_id="turn-2")  # ordinal 8
        items.append(draft.user("Second question."))  # 9
        shown = {
            "type": "UserMessage",
            "id": "asked",
            "content": [{"type": "text", "text": "Second question."}],
        }
        draft.event("item_completed", thread_id=draft.thread_id, turn_id="turn-2", item=shown)  # 10
        said = {"type": "AgentMessage", "id": "said", "content": [{"type": "Text", "text": "Second answer."}]}
        hidden = {"type": "item_completed", "thread_id": draft.thread_id, "turn_id": "turn-2", "item": said}
        draft.record("event_msg", hidden, ordinal=ordinal)
        items.append(draft.assistant("Second answer."))  # 11
        open_turn = turn("turn-2", user_item("asked", "Second question."), status="interrupted")
        home.add(
            draft,
            Expectation(
                f"paginated: {about}",
                context=items,
                turns=[paginated_turn(*_ONE), {**open_turn, "startedAt": None}],
                next_ordinal=12,
            ),
        )


def _add_no_ordinals(home: Home) -> None:
    draft = _whole(uuid(0x25))
    items = draft.turn(*_ONE)
    lines = [line.split(b'"ordinal":', 1) for line in draft.content.splitlines(keepends=True)]
    bare = b"".join(before + behind.split(b",", 1)[1] for before, behind in lines)
    home.add(
        draft,
        Expectation(
            "paginated: no record has an ordinal; there is a history, but no turns and no going on",
            context=items,
            not_resumable="missing an ordinal",
        ),
        content=bare,
    )


def _add_last_without_ordinal(home: Home) -> None:
    draft = _whole(uuid(0x26))
    items = draft.turn(*_ONE)
    items.append(text_message("user", "Unnumbered."))
    draft.record("response_item", items[-1], ordinal=None)
    home.add(
        draft,
        Expectation(
            "paginated: the last record has no ordinal",
            context=items,
            turns=[paginated_turn(*_ONE)],
            not_resumable="missing an ordinal",
        ),
    )


def _add_unknown_last(home: Home) -> None:
    draft = _whole(uuid(0x27))
    items = draft.turn(*_ONE)
    draft.record("brand_new", {"x": 1}, ordinal=8)
    home.add(
        draft,
        Expectation(
            "paginated: the last line is of an unknown type; its ordinal is used again",
            context=items,
            turns=[paginated_turn(*_ONE)],
            next_ordinal=8,
        ),
    )


def _add_over_long(home: Home) -> None:
    draft = _whole(uuid(0x28))
    items = draft.turn(*_ONE)
    # 2 048 bytes of line are allowed, its newline not counted: the first fits, the second does not.
    frame = len(_item_line("", ordinal=8)) - 1
    items.append(draft.user("x" * (2048 - frame)))
    draft.user("y" * (2048 - frame + 1))
    end = draft.size_bytes
    items += draft.turn(*_TWO)
    home.add(
        draft,
        Expectation(
            "paginated: read with a cap of 2 048 bytes a line, one line is as long and one is longer",
            context=items,
            turns=[paginated_turn(*_ONE), paginated_turn(*_TWO)],
            damage=[Harm("tooLong", Span(end - 2050, end))],
            next_ordinal=17,
            max_line_bytes=2048,
        ),
    )
