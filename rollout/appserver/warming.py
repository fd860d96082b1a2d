"""What a server does before it is asked: loads its methods, lists the home, and reads a page as clients will.

Decoders are made and names are listed when they are first needed; so the first to ask would wait for it.
Nothing is kept of what is read, and nothing depends on it.
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Final

from rollout.appserver.dispatch import preload
from rollout.appserver.server import Server
from rollout.errors import RolloutError
from rollout.store.recording import find_settings
from rollout.turns.paging import SortDirection

_LOADED_LATE: Final = ("blake3", "rollout.fs.posix_write", "rollout.fs.posix_lock")
"""What is imported by whoever first forks or writes."""


def warm_up(server: Server) -> None:
    """Do for nobody what a first client would ask for. Never raises what a home may hold."""
    preload()
    for name in _LOADED_LATE:
        with suppress(ImportError):  # not every system locks files
            importlib.import_module(name)
    with suppress(RolloutError):
        files = server.store.rollouts().index.current_files()
        newest = max(files, key=lambda file: file.name.stamp, default=None)
        if newest is None:
            return
        with server.store.open_thread(newest.name.thread_id) as thread:
            thread.summary()
            find_settings(thread.lineage)
            if thread.lineage.is_paginated:  # a legacy page reads all of it
                thread.turns(limit=1)
                thread.items(limit=1, direction=SortDirection.DESC)
