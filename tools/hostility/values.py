"""Requests that are JSON and still wrong: types, numbers, ids, paths, cursors that somebody made up.

What changes threads is only ever asked of a thread that is not there, so that the home must stay as it is.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import inspect as shapes

from hostility.lines import until_answered
from hostility.scale import Attack, Scale, tally
from hostility.servers import Place, greeted
from hostility.wires import ask
from hostility.worlds import NOBODY, OUTSIDE, World
from rollout.appserver.dispatch import METHODS

_HARMLESS: Final = frozenset(
    {
        "thread/items/list",
        "thread/items/read",
        "thread/list",
        "thread/loaded/list",
        "thread/read",
        "thread/search",
        "thread/searchOccurrences",
        "thread/timeline/list",
        "thread/turns/list",
        "rollout/context/read",
        "rollout/lineage/read",
        "rollout/family/read",
        "rollout/thread/check",
        "rollout/thread/diff",
    }
)
"""Methods that change nothing, whatever they are asked."""

WRONG: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    3.5,
    2**31,
    2**63,
    -(2**70),
    "",
    "x",
    "\x00",
    "a" * 100_000,
    [],
    [None],
    [[]],
    {},
    {"type": "item"},
    {"a": {"b": []}},
)
_NUMBERS: Final = (
    b"1e999",
    b"-1e999",
    b"1e-999",
    b"-0",
    b"1.0",
    b"9" * 5_000,
    b"-" + b"9" * 400,
    b"0." + b"3" * 5_000,
    b"18446744073709551616",
    b"4294967296",
    b"NaN",
    b"Infinity",
    b"0x10",
    b"01",
)


def _well_formed(world: World, method: str, shape: Any) -> dict[str, Any]:
    """Return params that a method takes, with all that it needs."""
    known = world.threads[0] if method in _HARMLESS else NOBODY
    given: dict[str, Any] = {}
    for field in shapes.type_info(shape).fields:  # type: ignore[attr-defined]  # a struct
        name = field.encode_name
        if name in {"threadId", "otherThreadId"}:
            given[name] = known
        elif field.required:
            given[name] = _some(field.type)
    return given


def _some(kind: shapes.Type) -> Any:
    if isinstance(kind, shapes.ListType):
        return [_some(kind.item_type)]
    if isinstance(kind, shapes.EnumType):
        return next(iter(kind.cls)).value
    if isinstance(kind, shapes.StructType):
        return {field.encode_name: _some(field.type) for field in kind.fields if field.required}
    return {} if isinstance(kind, shapes.RawType | shapes.AnyType) else "x"


def _places(kind: shapes.Type, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of all members that params may have, members of members too."""
    for one in getattr(kind, "types", (kind,)):
        if isinstance(one, shapes.StructType):
            for field in one.fields:
                yield (*path, field.encode_name)
                yield from _places(field.type, (*path, field.encode_name))


def _put(params: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    first, *rest = path
    inner = params.get(first)
    known = inner if isinstance(inner, dict) else {}
    return {**params, first: _put(known, tuple(rest), value) if rest else value}


def wrong_types(place: Place, scale: Scale) -> str:
    """Every member of every method, as each sort of value; and params that are no object."""
    wire = greeted(place)
    chance = random.Random(1)
    answers: list[dict[str, Any]] = []
    for method, known in METHODS.items():
        params = _well_formed(place.world, method, known.params)
        for value in WRONG:
            wire.write(json.dumps({"id": 7, "method": method, "params": value}).encode())
        for path in _places(shapes.type_info(known.params)):
            for value in chance.sample(WRONG, min(len(WRONG), scale.tricks)):
                if method == "thread/start" and value in (None, True, "", "x", {}, []):
                    continue  # which may make one
                wire.write(
                    json.dumps({"id": 7, "method": method, "params": _put(params, path, value)}).encode()
                )
        answers += until_answered(wire)
    for value in (*WRONG, msgspec.Raw(b"1.0"), msgspec.Raw(b"1e2")):
        for member in ("id", "method", "params"):
            message = {"id": 7, "method": "thread/loaded/list", "params": {}, member: value}
            wire.write(
                msgspec.json.encode(message) if not isinstance(value, int) else json.dumps(message).encode()
            )
    answers += until_answered(wire)
    place.leave(wire)
    assert not [one for one in answers if one.get("error", {}).get("code") == -32603], "an internal error"
    return tally(answers)


def numbers(place: Place, scale: Scale) -> str:  # noqa: ARG001
    """Numbers that fit nowhere, as limits, ids and offsets."""
    wire = greeted(place)
    target = place.world.threads[0].encode()
    for number in _NUMBERS:
        wire.write(b'{"id":7,"method":"thread/list","params":{"limit":%s}}' % number)
        wire.write(
            b'{"id":7,"method":"thread/turns/list","params":{"threadId":"%s","limit":%s}}' % (target, number)
        )
        wire.write(b'{"id":%s,"method":"thread/loaded/list","params":{}}' % number)
        position = b'{"rolloutId":"%s","endOffset":%s}' % (target, number)
        wire.write(
            b'{"id":7,"method":"rollout/thread/watch","params":{"threadId":"%s","position":%s}}'
            % (target, position)
        )
        wire.write(b'{"id":7,"method":"thread/read","params":{"threadId":%s}}' % number)
    answers = until_answered(wire)
    place.leave(wire)
    return tally(answers)


def _tricks(world: World) -> list[str]:
    """Return what may be given for an id or a path to reach what nobody should."""
    bait, home = str(world.bait), str(world.home)
    real = world.threads[0]
    return [
        bait,
        f"../outside/{world.bait.name}",
        f"{home}/../outside/{world.bait.name}",
        f"{home}/sessions/../../outside/{world.bait.name}",
        f"{home}/sessions/2026/../../../outside/{world.bait.name}",
        f"file://{bait}",
        f"{bait}\x00.jsonl",
        f"{home}/../outside/secret.txt",
        "/etc/passwd",
        "../../../../../../../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "..\\..\\outside",
        "/dev/zero",
        "/dev/stdin",
        "/proc/self/environ",
        "~/.ssh/id_rsa",
        "$HOME",
        "`id`",
        "' OR 1=1 --",
        '"; DROP TABLE threads; --',
        "%s%s%n",
        "{0.__class__}",
        "*",
        "?" * 40,
        ".",
        "/",
        "//",
        "/" * 5_000,
        "../" * 5_000,
        "a" * 1_000_000,
        OUTSIDE,
        f"{real}/../{OUTSIDE}",
        f" {real}",
        f"{real}\n",
        f"{{{OUTSIDE}}}",
        f"urn:uuid:{OUTSIDE}",
        OUTSIDE.replace("-", ""),
        OUTSIDE.upper(),
        real[:8],
        "\u0430" * 36,
        "\ud800",
    ]


def ids_and_paths(place: Place, scale: Scale) -> str:
    """Whatever is given as an id, a path or a folder: no other file is read, none is written."""
    wire = greeted(place)
    world = place.world
    chance = random.Random(1)
    answers: list[dict[str, Any]] = []
    for method, known in METHODS.items():
        members = [field.encode_name for field in shapes.type_info(known.params).fields]  # type: ignore[attr-defined]
        params = _well_formed(world, method, known.params)
        tricked = [
            one for one in members if one.endswith("Id") or one in {"path", "cursor", "itemIds", "cwd"}
        ]
        for member in tricked:
            if (method, member) == ("thread/start", "cwd"):
                continue  # any folder may be one's; no file of it is opened
            tricks = _tricks(world)
            for trick in chance.sample(tricks, min(len(tricks), scale.tricks)):
                given = [trick] if member == "itemIds" else trick
                answers.append(ask(wire, method, **{**params, member: given}))
    for trick in _tricks(world):
        for params in ({"path": trick}, {"path": trick, "excludeTurns": True}):
            for method in ("thread/resume", "thread/fork"):
                answers.append(ask(wire, method, threadId=OUTSIDE, **params))
                assert "error" in answers[-1], f"{method} took {trick[:200]!r}"
    place.leave(wire)
    return tally(answers)


def cursors(place: Place, scale: Scale) -> str:
    """Cursors of other threads and methods, altered and made up: never another thread's page."""
    wire = greeted(place)
    world = place.world
    made: list[tuple[str, str, str]] = []
    for thread_id in (*world.threads, world.large):
        for method in ("thread/turns/list", "thread/items/list", "thread/timeline/list"):
            page = ask(wire, method, threadId=thread_id, limit=1).get("result", {})
            cursors_of = (page.get("nextCursor"), page.get("backwardsCursor"))
            made += [(method, thread_id, one) for one in cursors_of if one is not None]
    for listed in (ask(wire, "thread/list", limit=1), ask(wire, "thread/search", searchTerm="a", limit=1)):
        cursors_of = (listed["result"]["nextCursor"], listed["result"].get("backwardsCursor"))
        made += [("thread/list", "", one) for one in cursors_of if one is not None]
    chance = random.Random(1)
    answers: list[dict[str, Any]] = []
    for _ in range(scale.tries):
        method, _, cursor = chance.choice(made)
        target = chance.choice(world.threads)
        if method == "thread/list" or chance.random() < 0.3:
            method = chance.choice(("thread/turns/list", "thread/list", "thread/items/list", "thread/search"))
        params = {"cursor": _forged(cursor, chance), "limit": chance.choice((1, 100)), "threadId": target}
        if method == "thread/search":
            params["searchTerm"] = "a"
        found = ask(wire, method, **params)
        answers.append(found)
        if method == "thread/turns/list" and "result" in found:
            shown = {turn["id"] for turn in found["result"]["data"]}
            assert shown <= set(world.turns[target]), f"another thread's turns for {params}"
    place.leave(wire)
    return tally(answers)


def _forged(cursor: str, chance: random.Random) -> str:
    """Return a cursor that was tampered with, in one of several ways."""
    at = chance.randrange(len(cursor))
    return chance.choice(
        (
            cursor,
            cursor[:at] + chr(chance.randrange(32, 127)) + cursor[at + 1 :],
            cursor[:at],
            cursor[:at] + cursor[at + 1 :],
            cursor + cursor,
            cursor.replace("0", "9"),
            cursor.replace("true", "false"),
            cursor.replace(":", ": "),
            "".join(str(9 - int(one)) if one.isdigit() else one for one in cursor),
            "[" * 5_000,
            '{"rolloutOrdinal":-1}',
            "9" * 400,
            "\x00",
        )
    )


VALUES: Final = (
    Attack("wrong types everywhere", wrong_types),
    Attack("numbers that fit nowhere", numbers),
    Attack("tricks with ids and paths", ids_and_paths),
    Attack("forged cursors", cursors),
)
