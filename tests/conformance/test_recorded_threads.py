"""The recorded threads as listings show them: what the reference client said, without its database."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from rollout.fs.posix import POSIX
from rollout.log.names import read_names
from rollout.store.summary import read_summary
from rollout.wire.threads import thread
from tests.conformance.recorded import CASES, expected_of, open_lineage

NOT_COMPARED = {"turns", "path"}
FORGOTTEN = {
    # Reverted to nothing and asked anew: the client's database still shows what was taken back.
    "01a1fc4b-6949-75b2-bae5-7415448a40d7": {"preview": "Starting over."},
}


@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_summary_is_the_clients(home: Path, thread_id: str) -> None:
    """Every member that does not depend on the running process or on file times."""
    expected = expected_of(home, thread_id)["read"] | FORGOTTEN.get(thread_id, {})
    with open_lineage(home, thread_id) as lineage:
        summary = read_summary(lineage, read_names(POSIX, str(home)).get(lineage.thread_id))
    ours = msgspec.json.decode(msgspec.json.encode(thread(summary)))
    # The client names a compressed rollout as if it were plain.
    assert ours["path"].removesuffix(".zst") == expected["path"].replace("$HOME_DIR", str(home))
    assert {key: ours[key] for key in expected if key not in NOT_COMPARED} == {
        key: expected[key] for key in expected if key not in NOT_COMPARED
    }
