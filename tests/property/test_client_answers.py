"""A client under any order of answers: each reaches whoever asked, whatever stands between them."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from rollout.client.client import Client
from rollout.errors import Conflict, RolloutError
from tests.unit.client.peer import Peer, with_client

FATES = ("answered", "refused", "left")


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[str], list[int], list[bool]]:
    """Return what becomes of each request, in which order they are answered, and where notes come between."""
    fates = draw(st.lists(st.sampled_from(FATES), min_size=1, max_size=12))
    order = draw(st.permutations(range(len(fates))))
    noisy = draw(st.lists(st.booleans(), min_size=len(fates), max_size=len(fates)))
    return fates, order, noisy


@given(plans())
def test_each_answer_reaches_who_asked(plan: tuple[list[str], list[int], list[bool]]) -> None:
    """Answered, refused or left alone, in any order, with notifications between."""
    fates, order, noisy = plan

    async def run(client: Client, peer: Peer) -> None:
        asking = [asyncio.ensure_future(client.unsubscribe(str(number))) for number in range(len(fates))]
        await peer.heard("thread/unsubscribe", len(fates))
        requests = {int(one["params"]["threadId"]): one for one in peer.of("thread/unsubscribe")}
        for number, fate in enumerate(fates):
            if fate == "left":
                asking[number].cancel()
        async with client.notices() as notices:
            for number in order:
                if noisy[number]:
                    peer.note("thread/archived", {"threadId": str(number)})
                if fates[number] == "refused":
                    data = {"rollout": {"code": "conflict", "hint": None}}
                    peer.refuse(requests[number], {"code": -32600, "message": str(number), "data": data})
                else:
                    peer.answer(requests[number], {"status": str(number)})
            found = await asyncio.gather(*asking, return_exceptions=True)
            heard = [(await anext(notices)).thread_id for number in order if noisy[number]]
        assert heard == [str(number) for number in order if noisy[number]]
        for number, (fate, one) in enumerate(zip(fates, found, strict=True)):
            if fate == "answered":
                assert one == str(number)
            elif fate == "refused":
                assert isinstance(one, Conflict)
                assert one.message == str(number)
            else:
                assert isinstance(one, asyncio.CancelledError)
                assert not isinstance(one, RolloutError)

    with_client(run)
