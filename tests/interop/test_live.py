"""Threads that a live client writes while we read them: both sides agree after every step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from refclient import fork_scenarios, scenarios
from refclient.capture import sent_input_of_probe
from refclient.driver import Driver

from tests.interop.live import Live, Witness
from tests.interop.ours import our_history

pytestmark = pytest.mark.interop

MODES = ["paginated", "legacy"]
IN_EITHER_MODE = [
    scenarios.plain,
    scenarios.tools,
    scenarios.compacted,
    scenarios.interrupted,
    scenarios.failed,
    scenarios.context_changes,
    fork_scenarios.forks,
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scenario", IN_EITHER_MODE, ids=lambda scenario: scenario.__name__)
def test_readers_agree_after_every_step(
    live: Live, scenario: Callable[[Driver, str], dict[str, str]], mode: str
) -> None:
    """Turns as listed, and the history that the next request begins with."""
    witness = Witness(live)
    thread_ids = scenario(witness.driver(), mode)
    assert witness.steps >= len(thread_ids)
    for thread_id in thread_ids:
        ours = our_history(live.home, thread_id)
        assert sent_input_of_probe(live.server, thread_id).history == ours


def test_readers_agree_on_reverted_threads(live: Live) -> None:
    """A reverted thread shows what it kept, whichever of its rollouts holds it."""
    witness = Witness(live)
    thread_ids = fork_scenarios.reverts(witness.driver())
    for thread_id in thread_ids:
        ours = our_history(live.home, thread_id)
        assert sent_input_of_probe(live.server, thread_id).history == ours
