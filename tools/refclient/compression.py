"""Have the client compress every rollout of a home, as it does by itself with old ones."""

import os
import threading
import time
from pathlib import Path

from refclient.endpoint import WAIT_SECONDS, StandIn
from refclient.install import Client
from refclient.rpc import AppServer
from refclient.scrub import rollout_paths

# The client leaves rollouts alone that were written to in the last days.
_AGE_SECONDS = 90 * 24 * 3600
_POLL_SECONDS = 0.05


def compress(client: Client, home: Path) -> None:
    """Replace every `rollout-….jsonl` under `home` by `rollout-….jsonl.zst`.

    The client announces no end of this work, so the folder is polled, for a bounded time. Raise
    TimeoutError if a plain rollout is left.
    """
    written_at = time.time() - _AGE_SECONDS
    for path in rollout_paths(home):
        os.utime(path, (written_at, written_at))
    never = threading.Event()
    with (
        StandIn() as endpoint,
        AppServer(client, home, endpoint, features=("local_thread_store_compression",)) as server,
    ):
        server.request("rollout/compress", {})
        deadline = time.monotonic() + WAIT_SECONDS
        while rollout_paths(home):
            if time.monotonic() > deadline:
                raise TimeoutError(f"compress {home}: {len(rollout_paths(home))} files are left")
            never.wait(_POLL_SECONDS)
