"""Fork points: what a caller may ask for, and the cut that it stands for.

Pure but for what finding a turn reads. Format: docs/format.md, "Fork points".
"""

from __future__ import annotations

from rollout.errors import InvalidRequest
from rollout.replay.lineage import Lineage
from rollout.store.cuts import Cut, cut_at_head, cut_before_turn, cut_through_turn


def check_point(before_turn: str | None, through_turn: str | None) -> None:
    """Raise InvalidRequest when both bounds are given."""
    if before_turn is not None and through_turn is not None:
        raise InvalidRequest(
            f"choosing a fork point: before turn {before_turn:.80} cannot be combined with through turn "
            f"{through_turn:.80}",
            hint="Name one of them, or neither to fork at the last complete turn.",
        )


def find_point(lineage: Lineage, *, before_turn: str | None, through_turn: str | None) -> Cut:
    """Return where a child leaves a lineage: at its last complete turn unless a turn is named.

    Reads what lies near that place; of a legacy parent up to all of it. Raise InvalidRequest for both
    bounds at once, a turn without an end, and an empty parent; NotFound for an unknown turn.
    """
    check_point(before_turn, through_turn)
    if before_turn is not None:
        return cut_before_turn(lineage, before_turn)
    if through_turn is not None:
        return cut_through_turn(lineage, through_turn)
    return cut_at_head(lineage)
