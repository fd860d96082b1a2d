"""One change to the bytes of a log: what crashes, editors, other programs and enemies do to files.

A mutation is a function of the bytes, a donor's bytes and a source of randomness, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any, Final

Mutation = Callable[[bytes, bytes, Random], bytes]

_NUMBER: Final = re.compile(rb"(?<=:)-?\d+")
_TEXT: Final = re.compile(rb'(?<=:)"(?:[^"\\]|\\.)*"')
_MEMBER: Final = re.compile(rb'"[a-z_]+":(?:"(?:[^"\\]|\\.)*"|-?\d+|null|true|false),')
_NUMBERS: Final = [
    b"-1",
    b"0",
    b"1",
    b"4294967295",
    b"4294967296",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551616",
    b"9" * 400,
    b"1e999",
    b"1.5",
    b"-0",
]
_VALUES: Final = [
    b"null",
    b"{}",
    b"[]",
    b'""',
    b"true",
    b"5",
    b'"\\ud83d\\ude00"',
    b'"\\u0000"',
    b'"\xc3\xbc"',
]
_JUNK: Final = [
    b"",
    b"\r",
    b"junk",
    b"{}",
    b"[]",
    b"null",
    b"\x00" * 512,
    b"\xff\xfe",
    b'{"timestamp":"t","type":"brand_new","payload":{}}',
    b'{"timestamp":"t","type":"event_msg","payload":{"type":"brand_new"}}',
    b'{"timestamp":"t","type":"response_item","payload":{"type":"brand_new"}}',
    b'{"type":"message","role":"user","content":[]}',
    b'{"timestamp":"t","record_type":"state"}',
]
_WORDS: Final = [
    [b'"task_started"', b'"task_complete"', b'"turn_aborted"', b'"user_message"', b'"thread_rolled_back"'],
    [b'"user"', b'"assistant"', b'"developer"', b'"system"'],
    [
        b'"response_item"',
        b'"event_msg"',
        b'"turn_context"',
        b'"compacted"',
        b'"session_meta"',
        b'"world_state"',
    ],
    [
        b'"message"',
        b'"reasoning"',
        b'"function_call"',
        b'"agent_message"',
        b'"compaction"',
        b'"ghost_snapshot"',
    ],
    [b'"legacy"', b'"paginated"', b'"brand_new"'],
    [b'"UserMessage"', b'"AgentMessage"', b'"Reasoning"', b'"Plan"', b'"ContextCompaction"', b'"BrandNew"'],
    [b'"full":true', b'"full":false'],
]


def _place(content: bytes, random: Random) -> int:
    return random.randrange(len(content) + 1)


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def _replaced(content: bytes, pattern: re.Pattern[bytes], fresh: bytes, random: Random) -> bytes:
    found = list(pattern.finditer(content))
    if not found:
        return content
    spot = random.choice(found)
    return content[: spot.start()] + fresh + content[spot.end() :]


def flip_bit(content: bytes, _: bytes, random: Random) -> bytes:
    """Flip one bit."""
    if not content:
        return content
    place = random.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << random.randrange(8)]) + content[place + 1 :]


def delete_bytes(content: bytes, _: bytes, random: Random) -> bytes:
    """Take out a stretch."""
    start = _place(content, random)
    return content[:start] + content[start + random.choice([1, 2, 10, 500, 5000]) :]


def truncate(content: bytes, _: bytes, random: Random) -> bytes:
    """Cut the end off, sometimes right at or beside a newline."""
    if random.random() < 0.5:
        return content[: _place(content, random)]
    kept = _lines(content)
    cut = len(b"".join(kept[: random.randrange(len(kept) + 1)])) + random.choice([-2, -1, 0, 1])
    return content[: max(0, cut)]


def zero_tail(content: bytes, _: bytes, random: Random) -> bytes:
    """End in zeros, as a file does whose size was recorded and whose content was not."""
    cut = _place(content, random)
    return content[:cut] + bytes(min(4096, len(content) - cut))


def delete_line(content: bytes, _: bytes, random: Random) -> bytes:
    """Lose one line."""
    lines = _lines(content)
    if lines:
        del lines[random.randrange(len(lines))]
    return b"".join(lines)


def repeat_lines(content: bytes, _: bytes, random: Random) -> bytes:
    """Write a run of lines twice, the second time somewhere behind the first."""
    lines = _lines(content)
    start = random.randrange(len(lines) + 1)
    run = lines[start : start + random.choice([1, 2, 5, 20])]
    place = random.randrange(start, len(lines) + 1)
    return b"".join(lines[:place] + run + lines[place:])


def move_line(content: bytes, _: bytes, random: Random) -> bytes:
    """Swap two lines."""
    lines = _lines(content)
    if lines:
        one, other = random.randrange(len(lines)), random.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def insert_junk(content: bytes, _: bytes, random: Random) -> bytes:
    """Put in a line that is none."""
    lines = _lines(content)
    lines.insert(random.randrange(len(lines) + 1), random.choice(_JUNK) + b"\n")
    return b"".join(lines)


def splice(content: bytes, donor: bytes, random: Random) -> bytes:
    """Go on with another log, at a line end or anywhere."""
    if random.random() < 0.5:
        return content[: _place(content, random)] + donor[_place(donor, random) :]
    mine, theirs = _lines(content), _lines(donor)
    kept = mine[: random.randrange(len(mine) + 1)]
    return b"".join(kept + theirs[random.randrange(len(theirs) + 1) :])


def borrow_lines(content: bytes, donor: bytes, random: Random) -> bytes:
    """Put in a run of another log's lines."""
    mine, theirs = _lines(content), _lines(donor)
    start = random.randrange(len(theirs) + 1)
    place = random.randrange(len(mine) + 1)
    return b"".join(mine[:place] + theirs[start : start + random.choice([1, 3, 12])] + mine[place:])


def odd_number(content: bytes, _: bytes, random: Random) -> bytes:
    """Turn a number into an odd one."""
    return _replaced(content, _NUMBER, random.choice(_NUMBERS), random)


def odd_value(content: bytes, _: bytes, random: Random) -> bytes:
    """Turn a text into another value."""
    return _replaced(content, _TEXT, random.choice(_VALUES), random)


def same_text(content: bytes, _: bytes, random: Random) -> bytes:
    """Turn a text into another text of the same log: ids that meet where they should not."""
    found = _TEXT.findall(content)
    return _replaced(content, _TEXT, random.choice(found), random) if found else content


def delete_member(content: bytes, _: bytes, random: Random) -> bytes:
    """Take a member out of an object."""
    return _replaced(content, _MEMBER, b"", random)


def nest(content: bytes, _: bytes, random: Random) -> bytes:
    """Turn a text into deep nesting."""
    levels = random.choice([50, 130, 900, 960, 975, 985, 990, 1000, 5000])
    opening, closing = random.choice([(b"[", b"]"), (b'{"a":', b"}")])
    inner = b"" if opening == b"[" else b"1"
    return _replaced(content, _TEXT, opening * levels + inner + closing * levels, random)


def swap_word(content: bytes, _: bytes, random: Random) -> bytes:
    """Turn one word of the format into another of its kind."""
    words = random.choice(_WORDS)
    pattern = re.compile(b"|".join(map(re.escape, words)))
    return _replaced(content, pattern, random.choice(words), random)


def insert_event(content: bytes, _: bytes, random: Random) -> bytes:
    """Put in a rollback, a compaction, an abort or a copied header where none belongs."""
    turn_ids = re.findall(rb'"turn_id":"([^"]+)"', content) or [b"t"]
    turn_id = random.choice(turn_ids).decode("utf-8", "replace")
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "so far"}]}
    number = random.randrange(4)
    settings = {"previous_turn_settings": random.choice([None, {"model": "m"}])}
    payloads: list[tuple[str, object]] = [
        ("event_msg", {"type": "thread_rolled_back", "num_turns": random.choice([0, 1, 1, 2, 3, 99])}),
        ("event_msg", {"type": "turn_aborted", "reason": "interrupted"}),
        ("event_msg", {"type": "turn_aborted", "turn_id": turn_id, "reason": "interrupted"}),
        ("event_msg", {"type": "task_started", "turn_id": turn_id}),
        ("event_msg", {"type": "task_complete", "turn_id": turn_id}),
        ("event_msg", {"type": "context_compacted"}),
        ("compacted", {"message": "so far"}),
        ("compacted", {"message": "so far", "replacement_history": [said]}),
        ("compacted", {"message": "so far", "replacement_history": [said], "window_number": number}),
        (
            "compacted",
            {
                "message": "",
                "replacement_history": [said] * number,
                "window_number": number,
                "resume_metadata": settings,
            },
        ),
        ("world_state", {"full": bool(number % 2), "state": {"a": number, "b": {"c": None}}}),
    ]
    type_, payload = random.choice(payloads)
    members: dict[str, object] = {"timestamp": "t", "type": type_, "payload": payload}
    if random.random() < 0.5:
        members["ordinal"] = random.randrange(60)
    lines = _lines(content)
    lines.insert(random.randrange(len(lines) + 1), json.dumps(members).encode() + b"\n")
    return b"".join(lines)


def _edited(content: bytes, random: Random, wanted: bytes, edit: Callable[[Any], None]) -> bytes:
    """Return the content with one line that holds `wanted` edited as the JSON that it is."""
    lines = _lines(content)
    places = [place for place, line in enumerate(lines) if wanted in line]
    if not places:
        return content
    place = random.choice(places)
    try:
        value = json.loads(lines[place])
        edit(value)
        lines[place] = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return content
    return b"".join(lines)


def weaken_checkpoint(content: bytes, _: bytes, random: Random) -> bytes:
    """Take out of every compaction, or of one, what lets a bounded read trust it."""
    members = ["resume_metadata", "window_number", "replacement_history", "window_id"]
    lost = random.sample(members, random.choice([1, 1, 2, 3]))

    def edit(line: Any) -> None:
        for member in lost:
            line["payload"].pop(member, None)

    for _place in range(random.choice([1, 5])):
        content = _edited(content, random, b'"type":"compacted"', edit)
    return content


def edit_member(content: bytes, _: bytes, random: Random) -> bytes:
    """Delete, empty, repeat or move one value somewhere inside a line."""

    def edit(line: Any) -> None:
        within = line
        while True:
            keys = list(within) if isinstance(within, dict) else list(range(len(within)))
            key = random.choice(keys)
            value = within[key]
            if not isinstance(value, dict | list) or not value or random.random() < 0.3:
                break
            within = value
        choice = random.randrange(4)
        if choice == 0:
            del within[key]
        elif choice == 1:
            within[key] = random.choice([None, {}, [], "", 0, -1, 2**63, [value], {"type": value}])
        elif isinstance(within, list):
            within.insert(random.randrange(len(within) + 1), value)
        else:
            within[random.choice(list(within))] = value

    return _edited(content, random, b"{", edit)


def crlf(content: bytes, _: bytes, random: Random) -> bytes:
    """End some lines as another system does."""
    return b"".join(
        line[:-1] + b"\r\n" if line.endswith(b"\n") and random.random() < 0.3 else line
        for line in _lines(content)
    )


MUTATIONS: Final[dict[str, Mutation]] = {
    mutation.__name__: mutation
    for mutation in (
        flip_bit,
        delete_bytes,
        truncate,
        zero_tail,
        delete_line,
        repeat_lines,
        move_line,
        insert_junk,
        splice,
        borrow_lines,
        odd_number,
        odd_value,
        same_text,
        delete_member,
        nest,
        swap_word,
        insert_event,
        weaken_checkpoint,
        edit_member,
        crlf,
    )
}
