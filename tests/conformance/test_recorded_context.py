"""The recorded threads, resumed: what the reference client sent to a model is what we answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rollout.replay.context import read_context
from tests.conformance.recorded import CASES, expected_of, open_lineage

METADATA = "internal_chat_message_metadata_passthrough"


@pytest.mark.parametrize("reads_everything", [False, True], ids=["bounded", "full"])
@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_context_is_what_the_client_sent(home: Path, thread_id: str, reads_everything: bool) -> None:
    """After a resume the client sends exactly our items, whichever way they were read."""
    sent = expected_of(home, thread_id)["sent_input"]
    history = sent["items"][sent["leading"] : len(sent["items"]) - sent["trailing"]]
    with open_lineage(home, thread_id) as lineage:
        context = read_context(lineage, reads_everything=reads_everything)
        ours = json.loads(context.input_json())
    for item in ours:
        item.pop(METADATA, None)
    assert ours == history
