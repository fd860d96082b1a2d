"""Families and differences in their public shapes, for every surface. Shapes: docs/json.md."""

from __future__ import annotations

from fork.diff import Difference
from fork.family import Family, Member
from rollout.wire.families import (
    CommonAncestor,
    DiffSide,
    FamilyBase,
    FamilyMember,
    FamilyTree,
    ThreadDiff,
    fork_turns,
)


def family_shape(family: Family) -> FamilyTree:
    """Return the public shape of a family."""
    asked = family.thread_id
    return FamilyTree(
        asked,
        [one.id for one in family.ancestors(asked)],
        [one.id for one in family.children.get(asked, [])],
        [one.id for one in family.siblings(asked)],
        [_member_shape(one) for one in family.members],
        family.unknown,
    )


def _member_shape(member: Member) -> FamilyMember:
    link = member.link
    return FamilyMember(
        id=member.id,
        parent_id=member.parent_id,
        base=FamilyBase(link.rollout_id, link.end_ordinal, link.end_offset) if link is not None else None,
        fork=fork_turns(member.fork_turns),
        is_copy=member.is_copy,
        name=member.name,
        first_words=member.first_words,
        created_at=member.created_at // 1000 if member.created_at is not None else None,
        own_bytes=member.own_bytes,
        inherited_bytes=member.inherited_bytes,
        rollouts=member.rollout_count,
        is_archived=member.is_archived,
        is_deleted=member.is_deleted,
        is_missing=member.is_missing,
        problem=member.problem,
    )


def difference_shape(found: Difference) -> ThreadDiff:
    """Return the public shape of a difference."""
    common = found.ancestor
    return ThreadDiff(
        CommonAncestor(
            common.thread_id,
            common.rollout_id,
            common.end_ordinal,
            common.end_offset,
            fork_turns(common.fork_turns),
        ),
        *(DiffSide(one.thread_id, one.taken_back, one.turns, one.damage) for one in (found.a, found.b)),
    )
