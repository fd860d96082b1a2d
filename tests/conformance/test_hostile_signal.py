"""A server that is told to stop while all of its workers have something to say."""

from __future__ import annotations

import asyncio
import os
import signal

from rollout.appserver.serving import stopping

CALLS = 100_000
WAIT_SECONDS = 30


def test_a_signal_is_not_lost_among_calls() -> None:
    """The pipe that wakes the loop was full, the signal had no room in it, and the server ran on for good."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        before = signal.getsignal(signal.SIGTERM)
        with stopping() as stopped:
            for _ in range(CALLS):
                loop.call_soon_threadsafe(int)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(stopped(), WAIT_SECONDS)
        assert signal.getsignal(signal.SIGTERM) == before

    asyncio.run(scenario())
