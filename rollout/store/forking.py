"""A child that copies nothing: a header that says where it leaves its parent.

Invariant 2: the parent is read and never written. Invariant 3: the child is durable under its name
before anybody is told of it. Format: docs/format.md, "Lineage" and "Fork points".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from rollout.errors import InvalidRequest
from rollout.format import vocabulary
from rollout.format.encoding import Draft, encode_payload
from rollout.format.times import timestamp_of
from rollout.fs.mutation import MutableFileSystem
from rollout.ids import ThreadId
from rollout.log.anchor import anchor_of
from rollout.log.layout import new_rollout_path
from rollout.replay.lineage import Lineage
from rollout.store.creating import (
    BASE_MEMBERS,
    ORIGINATOR,
    Base,
    Published,
    decode_members,
    header_draft,
    publish_rollout,
)
from rollout.store.cuts import Cut, lineage_at
from rollout.store.labels import checked_folder, checked_word
from rollout.store.numbering import count_records
from rollout.store.options import NO_OPTIONS, ThreadOptions
from rollout.store.recording import Surroundings, find_settings
from rollout.store.settings import Override, ThreadSettings
from rollout.version import VERSION

_OF_THE_PARENT: Final = BASE_MEMBERS | {
    "forked_from_id",
    "forked_from_ordinal_exclusive",
    "parent_thread_id",
    "subagent_history_start_ordinal",
    "thread_source",
}
"""Members of a parent's header that say something of the parent alone."""


class Overrides(Struct, frozen=True):
    """What holds in the child instead of what it inherits: UNSET inherits, an effort of None clears."""

    cwd: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    effort: Override = UNSET
    source: str | UnsetType = UNSET
    options: ThreadOptions = NO_OPTIONS

    @property
    def has_settings(self) -> bool:
        """Whether any of them is a setting of turns."""
        said = (self.cwd, self.model, self.effort)
        return self.options.has_settings or any(value is not UNSET for value in said)


def checked_overrides(given: Overrides) -> Overrides:
    """Return overrides as they are stored. Raise InvalidRequest for text that cannot be."""
    return Overrides(
        checked_folder(given.cwd) if given.cwd is not UNSET else UNSET,
        checked_word(given.model, what="a model") if given.model is not UNSET else UNSET,
        checked_word(given.effort, what="an effort") if isinstance(given.effort, str) else given.effort,
        checked_word(given.source, what="a source") if given.source is not UNSET else UNSET,
        given.options,
    )


def is_start(lineage: Lineage, cut: Cut) -> bool:
    """Tell whether nothing but a header stands before a cut."""
    return cut.place == 0 and cut.end_offset <= lineage.segments[0].header.end_offset


def find_obstacle(around: Surroundings, lineage: Lineage, cut: Cut) -> str | None:
    """Return why a base at a cut could not be found again, or None where it can.

    A base names its rollout by id. So the home must hold, under that id and under a name that
    says whose it is, the very file that was read. Where nothing is inherited there is nothing to find.
    """
    if is_start(lineage, cut):
        return None
    segment = lineage.segments[cut.place]
    known = around.opener.find_file_of(segment.rollout_id, segment.identity)
    if known is None:
        return f"no file name of this home carries the rollout id {segment.rollout_id}"
    if known.name.thread_id != segment.header.thread_id:
        return f"the name of {known.path} says that it belongs to thread {known.name.thread_id}"
    stat = around.fs.find_stat(known.path)
    if stat is None or stat.identity != segment.identity:
        return f"the home keeps another file under that rollout id: {known.path}"
    return None


def base_at(around: Surroundings, lineage: Lineage, cut: Cut) -> Base | None:
    """Return the base that stores a cut; None where nothing would be inherited.

    Reads what the anchor covers, and in a legacy rollout counts its records.
    """
    if is_start(lineage, cut):
        return None
    segment = lineage.segments[cut.place]
    source = lineage.source(segment)
    ordinal = cut.end_ordinal
    if ordinal is None:
        ordinal = count_records(around.fs, around.state_folder, segment, source, cut.end_offset)
    anchor = anchor_of(source, segment.header.end_offset, cut.end_offset)
    return Base(segment.rollout_id, ordinal, cut.end_offset, anchor)


def create_fork(
    around: Surroundings, lineage: Lineage, cut: Cut, base: Base | None, child_id: ThreadId, given: Overrides
) -> Published:
    """Publish the rollout of a child that leaves `lineage` at `cut`. Bytes and name are durable on return.

    `base` is what `base_at` says of the cut. Raise Conflict, StorageFailed.
    """
    now_ms = around.clock()
    members = child_members(around, lineage, child_id, now_ms, given)
    if base is not None:
        members |= {"forked_from_ordinal_exclusive": base.end_ordinal} | base.members()
    drafts = [header_draft(members), *settings_drafts(around.fs, lineage, cut, members, given)]
    path = new_rollout_path(around.home, timestamp_of(now_ms), child_id, None)
    first_ordinal = base.end_ordinal if base is not None else 0
    folders = around.opener.durable_folders
    published = publish_rollout(around.fs, around.home, path, drafts, first_ordinal, now_ms, folders)
    around.opener.note_written(published.path)
    return published


def child_members(
    around: Surroundings, lineage: Lineage, child_id: ThreadId, now_ms: int, given: Overrides
) -> dict[str, Any]:
    """Return the header of a child: what the parent's says, nulls included, but for who and when it is."""
    inherited = {key: value for key, value in decode_members(lineage).items() if key not in _OF_THE_PARENT}
    meta = lineage.newest.header.meta
    own = {
        "session_id": child_id,
        "id": child_id,
        "forked_from_id": lineage.thread_id,
        "timestamp": timestamp_of(now_ms),
        "cwd": given.cwd if given.cwd is not UNSET else meta.cwd,
        "originator": ORIGINATOR,
        "cli_version": VERSION,
        "source": _source(given, inherited.get("source")),
        "history_mode": "paginated",
        "context_window": {"window_id": around.new_id()},
    }
    return inherited | own | dict(given.options.header)


def _source(given: Overrides, stored: Any) -> str:
    """Return who starts a child. One that an agent spawned is nobody's agent when it is forked."""
    if given.source is not UNSET:
        return given.source
    return stored if isinstance(stored, str) else "cli"


def settings_drafts(
    fs: MutableFileSystem, lineage: Lineage, cut: Cut, members: Mapping[str, Any], given: Overrides
) -> list[Draft]:
    """Return the record of the settings that hold in a child: those at the cut, and on top what is given.

    The child says itself what it inherits: the reference client looks for settings in the rollout that
    it takes up, and would run it outside of its parent's sandbox.
    """
    known: ThreadSettings | None = None
    if not is_start(lineage, cut):
        with lineage_at(fs, lineage, cut) as inherited:
            known = find_settings(inherited)
    if known is not None:
        settings = known.changed(cwd=given.cwd, model=given.model, effort=given.effort)
    elif given.model is not UNSET:
        settings = ThreadSettings(members["cwd"], given.model, effort=given.effort)
    elif given.effort is UNSET and not given.options.has_settings:
        return []  # no turn has said how it ran: the header's folder is all there is to change
    else:
        raise InvalidRequest(
            f"forking thread {lineage.thread_id}: its settings are not known there",
            hint="Give a model, too.",
        )
    settings = given.options.applied_to(settings)
    provider = members.get("model_provider")
    payload = {
        "type": vocabulary.SETTINGS_APPLIED,
        "thread_id": members["id"],
        "thread_settings": settings.applied(provider if isinstance(provider, str) else "openai"),
    }
    return [Draft(vocabulary.EVENT_MSG, encode_payload(payload, what="thread settings"))]
