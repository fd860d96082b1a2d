"""Makes children: by reference wherever the parent can be found again, else as a copy that says so.

Invariants 2, 3 and 5: the parent is only read; the child is durable under its name, and readable by
its id, when the call returns; what it inherits depends on the log alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from msgspec import UNSET, Struct, UnsetType

from fork.point import check_point, find_point
from rollout.errors import Conflict, StorageFailed
from rollout.format.record import Damage
from rollout.ids import ThreadId
from rollout.store.creating import Base
from rollout.store.forking import Overrides, base_at, checked_overrides, create_fork, find_obstacle
from rollout.store.labels import checked_name
from rollout.store.settings import Override
from rollout.store.store import Store
from rollout.store.thread import Thread
from rollout.turns.model import Turn
from rollout.turns.paging import ItemsView


class Fork(Struct, frozen=True):
    """A child that was made.

    `base` is where it leaves its parent; None where it inherits nothing, or was copied.
    `bytes_written` is the size of its rollout. `copied_because` says why nothing could be referred
    to. `open_turn` is the parent's running turn, which is left out. `turns`, oldest first, is None
    where they were excluded.
    """

    id: ThreadId
    base: Base | None
    bytes_written: int
    copied_because: str | None = None
    open_turn: str | None = None
    turns: list[Turn] | None = None
    damage: Sequence[Damage] = ()


class ForkRequest(Struct, frozen=True):
    """Where a fork leaves its parent, whether its turns are read, and its name."""

    before_turn: str | None = None
    through_turn: str | None = None
    exclude_turns: bool = False
    name: str | None = None


def fork_thread(
    store: Store,
    thread: str | Thread,
    *,
    before_turn: str | None = None,
    through_turn: str | None = None,
    exclude_turns: bool = False,
    name: str | None = None,
    cwd: str | UnsetType = UNSET,
    model: str | UnsetType = UNSET,
    effort: Override = UNSET,
    source: str | UnsetType = UNSET,
) -> Fork:
    """Make a thread that goes on where another one stands, copying nothing.

    `thread` is a reference, or a thread that is open: then what it saw when it was opened is what
    is forked. The child leaves it at the last complete turn, or right before `before_turn`, or right
    behind `through_turn`. Settings that are given hold from there on; the others are inherited, what
    was cleared on purpose (`effort` None) included. Writes less than 2 kB where the header is
    no longer, and reads a constant amount of the parent; `exclude_turns` leaves the child's turns
    unread, too. Where a base cannot be stored or found again the child is a copy of all that it inherits.

    The child is durable, and readable by its id, on return. Raise InvalidRequest for both bounds, a
    turn without an end, an empty parent or text that cannot be stored; NotFound for an unknown
    thread or turn; BrokenLineage or DamagedLog for a parent whose own base is gone or altered.
    Format: docs/format.md, "Fork points".
    """
    request = ForkRequest(before_turn, through_turn, exclude_turns, name)
    return make_fork(store, thread, request, Overrides(cwd, model, effort, source))


def make_fork(store: Store, thread: str | Thread, request: ForkRequest, overrides: Overrides) -> Fork:
    """Make a fork as `fork_thread` does, with all that a child can be given."""
    before_turn, through_turn, name = request.before_turn, request.through_turn, request.name
    check_point(before_turn, through_turn)
    given = checked_overrides(overrides)
    chosen = checked_name(name) if name is not None else None
    around = store.surroundings()
    with ExitStack() as held:
        parent = held.enter_context(store.open_thread(thread)) if isinstance(thread, str) else thread
        lineage = parent.lineage
        cut = find_point(lineage, before_turn=before_turn, through_turn=through_turn)
        obstacle = find_obstacle(around, lineage, cut)
        child_id = ThreadId(around.new_id())
        base = None
        if obstacle is None:
            base = base_at(around, lineage, cut)
            made = create_fork(around, lineage, cut, base, child_id, given)
        else:
            from rollout.store.copying import create_copy

            made = create_copy(around, lineage, cut, child_id, given)
    if chosen is not None:
        try:
            store.set_name(child_id, chosen)
        except (StorageFailed, Conflict) as error:
            message = f"fork {child_id} was made, but has no name: {error.message}"
            raise type(error)(message, hint=error.hint) from error
    with store.open_thread(child_id) as child:  # before anybody is told of it
        turns = None if request.exclude_turns else child.all_turns(view=ItemsView.FULL, allow_damage=True)
        damage = child.broken_seals() if turns is not None else ()
    return Fork(child_id, base, made.size_bytes, obstacle, cut.open_turn, turns, damage)
