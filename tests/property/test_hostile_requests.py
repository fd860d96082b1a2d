"""Any request, well formed or not, has an answer: a result, or a refusal that is not the server's own fault.

Params are drawn along the shapes that methods take, each member as what it should be or as anything else.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect as shapes

from rollout.appserver.dispatch import METHODS, handle
from rollout.appserver.protocol import INTERNAL_ERROR, Request, encode_response, parse_message
from tests.builders import thread, uuid
from tests.served import Served, serve

ROLLOUTS = [thread(number).turn("Where?").turn("There.") for number in (1, 2)]
IDS = [uuid(1), uuid(2), uuid(9), uuid(1).upper(), uuid(1)[:8], "../x", "", "t1", "\x00"]

anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(IDS)
    | st.text(st.characters(codec="utf-8"), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def values_of(kind: shapes.Type) -> st.SearchStrategy[Any]:
    """Return what a member should be, now and then something else."""
    match kind:
        case shapes.UnionType():
            right = st.one_of([values_of(one) for one in kind.types])
        case shapes.StructType():
            right = members_of(kind)
        case shapes.ListType():
            right = st.lists(values_of(kind.item_type), max_size=3)
        case shapes.EnumType():
            right = st.sampled_from([one.value for one in kind.cls])
        case shapes.IntType():
            right = st.integers(-1, 2**32)
        case shapes.BoolType():
            right = st.booleans()
        case shapes.StrType():
            right = st.sampled_from(IDS)
        case _:
            right = anything
    return st.integers(0, 7).flatmap(lambda roll: right if roll else anything)


def members_of(kind: shapes.StructType) -> st.SearchStrategy[Any]:
    """Return an object with the members of a shape: those it needs, most of the time."""
    tag = {kind.tag_field: st.just(kind.tag)} if kind.tag_field else {}
    needed = {one.encode_name: values_of(one.type) for one in kind.fields if one.required}
    others = {one.encode_name: values_of(one.type) for one in kind.fields if not one.required}
    whole = st.fixed_dictionaries({**tag, **needed}, optional=others)
    return st.integers(0, 9).flatmap(lambda roll: whole if roll else anything)


PARAMS = {name: members_of(shapes.type_info(method.params)) for name, method in METHODS.items()}  # type: ignore[arg-type]  # structs
requests = st.sampled_from(sorted(METHODS)).flatmap(lambda name: st.tuples(st.just(name), PARAMS[name]))


def is_kept(served: Served, content: bytes) -> bool:
    """Tell whether what was recorded is still there, wherever, with nothing but more behind it."""
    return any(found.startswith(content) for found in served.fs.files().values())


@given(st.lists(requests, min_size=1, max_size=6))
def test_every_request_is_answered(asked: list[tuple[str, Any]]) -> None:
    """Once, with its id, as a line of JSON; an internal error is no answer, and what is recorded stays."""
    served = serve(*ROLLOUTS)
    try:
        for number, (name, params) in enumerate(asked):
            request = parse_message(json.dumps({"id": number, "method": name, "params": params}).encode())
            assert isinstance(request, Request)
            answer = json.loads(encode_response(handle(served.server, served.client, request)))
            assert answer["id"] == number
            assert ("result" in answer) != ("error" in answer)
            assert answer.get("error", {}).get("code") != INTERNAL_ERROR, (name, params, answer)
        if "thread/delete" not in dict(asked):
            assert all(is_kept(served, rollout.content) for rollout in ROLLOUTS)
    finally:
        served.server.close()
