"""Methods under our own name: what the store has and the protocol lacks.

Contract: docs/protocol.md, "Methods of our own".
"""

from __future__ import annotations

from typing import Any

from rollout.appserver import params as takes
from rollout.appserver.call import Answer, Call
from rollout.wire.findings import Checked, checked_file
from rollout.wire.resume import model_context
from rollout.wire.threads import shown


def read_context(call: Call, given: takes.ContextRead) -> Answer:
    """Return what a model is given to continue a thread: the stored items, and all that goes with them."""
    thread_id = call.thread_id(given.thread_id)
    with call.lend(thread_id, f"no rollout found for thread id {thread_id}") as opened:
        context = opened.thread.context(full_replay=given.full_replay, allow_damage=given.allow_damage)
        result: dict[str, Any] = {
            "context": model_context(context),
            "read": context.read,
            "nextOrdinal": context.next_ordinal,
            "resumable": context.not_resumable is None,
            "notResumableBecause": context.not_resumable,
            "damage": [one for one in context.damage if one.is_damage],
        }
    return Answer(result)


def read_lineage(call: Call, given: takes.ThreadOnly) -> Answer:
    """Return the parts of rollouts that make up a thread's history, oldest first."""
    thread_id = call.thread_id(given.thread_id)
    with call.lend(thread_id, f"no rollout found for thread id {thread_id}") as opened:
        return Answer(shown(opened.summary(), opened.thread.segments()))


def check(call: Call, given: takes.ThreadOnly) -> Answer:
    """Read all of a thread's files, change nothing, return what is wrong with each."""
    thread_id = call.thread_id(given.thread_id)
    store = call.server.store
    with call.lend(thread_id, f"no rollout found for thread id {thread_id}") as opened:
        files = store.files_to_check(opened.thread)
    found = list(store.check(files))
    data = [checked_file(one) for one in found]
    damaged = sum(len(one.damage) for one in found)
    sizes, records = sum(one.size_bytes for one in found), sum(one.records for one in found)
    return Answer(Checked(data, [], len(files), sizes, records, damaged))


def checkpoint(call: Call, given: takes.ThreadOnly) -> Answer:
    """Keep what a resume needs, so that it need not read further back."""
    thread_id = call.thread_id(given.thread_id)
    with call.lend(thread_id, f"no rollout found for thread id {thread_id}"):
        return Answer(call.server.store.checkpoint(thread_id))
