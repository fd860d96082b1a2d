"""The oracle's turns: paginated ones by who uses an id when, legacy ones by one forward pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.property.oracle import Json, Rec, Segment, is_history

STARTS, COMPLETIONS = {"task_started", "turn_started"}, {"task_complete", "turn_complete"}
PROJECTED = {*STARTS, *COMPLETIONS, "turn_aborted", "item_completed"}
LISTED = {
    *STARTS, *COMPLETIONS, "turn_aborted", "thread_rolled_back", "user_message", "agent_message",
    "agent_reasoning", "agent_reasoning_raw_content", "token_count", "web_search_end", "context_compacted",
    "patch_apply_end", "entered_review_mode",
}  # fmt: skip


@dataclass
class Shown:
    """An item as it is compared: place, turn, id, kind, text, phase."""

    at: tuple[int, int]
    turn_id: str
    id: str
    kind: str
    text: str
    phase: str | None = None

    @property
    def outline(self) -> list[str]:
        """What is compared."""
        return [self.id, self.kind, self.text]


@dataclass
class Turn:
    """A turn as it is compared."""

    id: str
    ordinal: int = 0
    status: str = "interrupted"
    started_at: int | None = None
    completed_at: int | None = None
    root: str | None = None
    error: str | None = None
    items: list[Shown] = field(default_factory=list)
    summary: list[Shown] = field(default_factory=list)

    def outline(self, view: str) -> list[Any]:
        """Return what is compared, with the items of a view."""
        shown = {"full": self.items, "summary": self.summary, "notLoaded": []}[view]
        items = [item.outline for item in shown]
        return [self.id, self.status, self.started_at, self.completed_at, self.root, self.error, items]


def projected(segments: list[Segment]) -> list[Rec]:
    """Return the events that make turns, oldest first: what their ordinals leave of them."""
    found: list[Rec] = []
    for segment in segments:
        base = segment.header.get("history_base") or {"end_ordinal_exclusive": 0}
        first = base["end_ordinal_exclusive"] + 1
        highest = first - 1
        for rec in segment.records:
            if rec.type != "event_msg" or rec.ordinal is None or not rec.is_terminated:
                continue
            if rec.ordinal <= highest:
                continue
            highest = rec.ordinal
            inherited = segment.header.get("subagent_history_start_ordinal") or 0
            if rec.ordinal < inherited or (
                segment.end_ordinal is not None and rec.ordinal >= segment.end_ordinal
            ):
                continue
            if rec.kind in PROJECTED and rec.payload.get("turn_id"):
                found.append(rec)
    return found


def goes_down(segments: list[Segment]) -> bool:
    """Tell whether ordinals of events go down somewhere, so that only a forward reading is sure of them."""
    for segment in segments:
        base = segment.header.get("history_base") or {"end_ordinal_exclusive": 0}
        inherited = segment.header.get("subagent_history_start_ordinal") or 0
        first = max(inherited, base["end_ordinal_exclusive"] + 1)
        events = [rec for rec in segment.records if rec.type == "event_msg" and rec.is_terminated]
        ordinals = [rec.ordinal for rec in events if rec.ordinal is not None and rec.ordinal >= first]
        if ordinals != sorted(ordinals):
            return True
    return False


def uses_of(events: list[Rec]) -> list[list[Rec]]:
    """Return the events by the turn they belong to; of two uses of an id the newer comes first.

    A use reaches back to the start of another turn that stands before its own starts.
    """
    starts = [(index, rec.payload["turn_id"]) for index, rec in enumerate(events) if rec.kind in STARTS]
    uses: list[list[Rec]] = []
    ids = dict.fromkeys(rec.payload["turn_id"] for rec in events if rec.payload.get("turn_id"))
    for turn_id in ids:
        end = len(events)
        while end > 0:
            begin = _begin(starts, turn_id, end)
            use = [rec for rec in events[begin:end] if rec.payload.get("turn_id") == turn_id]
            if use:
                uses.append(use)
            end = begin
    return uses


def _begin(starts: list[tuple[int, str]], turn_id: str, end: int) -> int:
    """Return where the use of an id that ends before `end` begins."""
    has_own = False
    for index, other in reversed(starts):
        if index >= end:
            continue
        if other == turn_id:
            has_own = True
        elif has_own:
            return index
    return 0


def turns_of(segments: list[Segment]) -> list[Turn]:
    """Return the turns of a paginated lineage, oldest first."""
    found: dict[str, Turn] = {}
    for use in uses_of(projected(segments)):
        turn_id = use[0].payload["turn_id"]
        if turn_id in found:
            continue  # an older use of the id is hidden
        rows = [rec for rec in use if rec.kind != "item_completed"]
        found[turn_id] = _turn(turn_id, use, rows) if rows else Turn(turn_id, -1)
    shown = [turn for turn in found.values() if turn.ordinal >= 0]
    return sorted(shown, key=lambda turn: turn.ordinal)


def _turn(turn_id: str, use: list[Rec], rows: list[Rec]) -> Turn:
    newest = [rec for rec in rows if rec.place == rows[-1].place]
    turn = Turn(turn_id, newest[0].ordinal or 0)
    turn.items = items_of(use)
    ending: Rec | None = None
    for rec in newest:
        turn.root = turn.root or rec.payload.get("root_turn_id")
        turn.started_at = rec.payload.get("started_at")
        if rec.kind not in STARTS:
            ending = rec
            break
    if ending is not None:
        turn.completed_at = ending.payload.get("completed_at")
        error = ending.payload.get("error")
        turn.error = error["message"] if error else None
        if ending.kind in COMPLETIONS:
            turn.status = "failed" if error else "completed"
    turn.summary = _summary(use, newest)
    if not turn.summary and ending is not None and ending.kind == "turn_aborted":
        turn.summary = _summary(use, [rec for rec in rows if rec.place == rows[0].place])
    return turn


def _summary(use: list[Rec], rows: list[Rec]) -> list[Shown]:
    """Return the summary that one segment gives, fixed at its first end."""
    if not rows:
        return []
    ends = [rec.ordinal or 0 for rec in rows if rec.kind not in STARTS]
    items = items_of([rec for rec in use if rec.place == rows[0].place])
    known = [item for item in items if not ends or item.at[1] < ends[0]]
    asked = [item for item in known if item.kind == "userMessage"][:1]
    said = [item for item in known if item.kind == "agentMessage"]
    final = [item for item in said if item.phase == "final_answer"]
    if not final and ends:
        final = [item for item in said if item.phase is None]
    return asked + final[-1:]


def items_of(use: list[Rec]) -> list[Shown]:
    """Return the items of one use of a turn id, in order of first appearance."""
    found: dict[tuple[int, str], Shown] = {}
    for rec in use:
        if rec.kind != "item_completed" or rec.payload["item"]["type"] == "FromNextYear":
            continue
        item = rec.payload["item"]
        kind = item["type"][0].lower() + item["type"][1:]
        text = "".join(part["text"] for part in item["content"])
        key = (rec.place, item["id"])
        at = found[key].at if key in found else (rec.place, rec.ordinal or 0)
        found[key] = Shown(at, rec.payload["turn_id"], item["id"], kind, text, item.get("phase"))
    return sorted(found.values(), key=lambda item: item.at)


def all_items_of(segments: list[Segment]) -> list[Shown]:
    """Return every item of a paginated lineage, of whatever turn, in order of first appearance."""
    found = [item for use in uses_of(projected(segments)) for item in items_of(use)]
    return sorted(found, key=lambda item: item.at)


@dataclass
class Open:
    """A legacy turn being built."""

    turn: Turn
    is_explicit: bool
    has_compaction: bool = False


class Legacy:
    """The forward pass over a legacy file."""

    def __init__(self) -> None:
        self.finished: list[Open] = []
        self.active: Open | None = None
        self.index = -1
        self.number = 1

    def take(self, rec: Rec) -> None:
        """Take the next record."""
        payload = rec.payload
        if rec.type == "event_msg":
            if rec.kind in LISTED:
                self.index += 1
                self.event(rec.kind or "", payload)
        elif rec.type != "response_item" or payload["type"] == "message" or is_history(payload):
            self.index += 1
            if rec.type == "compacted":
                self.opened().has_compaction = True

    def event(self, kind: str, payload: Json) -> None:
        """Apply one listed event."""
        turn_id = payload.get("turn_id")
        if kind in STARTS:
            self.finish()
            turn = Turn(
                turn_id or "", 0, "inProgress", payload.get("started_at"), root=payload.get("root_turn_id")
            )
            self.active = Open(turn, is_explicit=True)
        elif kind in COMPLETIONS | {"turn_aborted"}:
            self.end(kind, payload)
        elif kind == "thread_rolled_back":
            self.finish()
            self.finished = self.finished[: max(0, len(self.finished) - payload["num_turns"])]
            self.number = 1 + sum(len(one.turn.items) for one in self.finished)
        elif kind == "user_message":
            one = self.active
            if one is not None and not one.is_explicit and (one.turn.items or not one.has_compaction):
                self.finish()
            self.add(self.opened(), "", "userMessage", payload["message"])
        elif kind == "web_search_end":
            self.add(self.opened(), payload["call_id"], "webSearch", payload["query"])
        elif kind == "patch_apply_end":
            one = self.find(turn_id) if turn_id else self.opened()
            if one is not None:
                self.add(one, payload["call_id"], "fileChange", "")
        elif kind == "entered_review_mode":
            one = self.find(turn_id) if turn_id is not None else self.opened()
            if one is None:
                self.finish()
                one = self.active = Open(Turn(turn_id or "", 0, "completed"), is_explicit=False)
            self.add(one, payload.get("item_id", ""), "enteredReviewMode", "")
        elif kind == "context_compacted":
            self.add(self.opened(), "", "contextCompaction", "")
        elif kind != "token_count":
            text = payload.get("message", payload.get("text"))
            if text:
                shape = {"agent_message": "agentMessage"}.get(kind, "reasoning")
                self.add(self.opened(), "", shape, text if shape != "reasoning" else f"{kind[-9:]}:{text};")

    def end(self, kind: str, payload: Json) -> None:
        """Apply a completion or an abort."""
        turn_id = payload.get("turn_id")
        error = payload.get("error")
        one = self.find(turn_id) if turn_id is not None else self.active
        is_numbered = self.active is not None and self.active.turn.id.startswith("rollout-")
        if one is None and (kind in COMPLETIONS or is_numbered):
            one = self.active
        if one is None:
            return
        turn = one.turn
        turn.error = error["message"] if error else turn.error
        if kind == "turn_aborted":
            turn.status = "interrupted"
        elif error:
            turn.status = "failed"
        elif turn.status == "inProgress":
            turn.status = "completed"
        turn.completed_at = payload.get("completed_at")
        if one is self.active:
            self.finish()

    def find(self, turn_id: str | None) -> Open | None:
        """Return the active turn or the first finished one of that id."""
        known = [*([self.active] if self.active else []), *self.finished]
        return next((one for one in known if one.turn.id == turn_id), None)

    def opened(self) -> Open:
        """Return the active turn, or a new implicit one."""
        if self.active is None:
            self.active = Open(Turn(f"rollout-{self.index}", 0, "completed"), is_explicit=False)
        return self.active

    def finish(self) -> None:
        """Close the active turn; an implicit one that saw nothing never was."""
        one, self.active = self.active, None
        if one is not None and (one.is_explicit or one.turn.items or one.has_compaction):
            self.finished.append(one)

    def add(self, one: Open, item_id: str, kind: str, text: str) -> None:
        """Put an item into a turn, in place of one of its id, or joined to reasoning before it."""
        items = one.turn.items
        if kind == "reasoning" and items and items[-1].kind == "reasoning":
            items[-1].text += text
            return
        name = item_id or f"item-{self.number}"
        made = Shown((0, 0), one.turn.id, name, kind, text)
        for index, known in enumerate(items):
            if known.id == name:
                items[index] = made
                return
        items.append(made)
        self.number += 0 if item_id else 1


def legacy_turns_of(segment: Segment) -> list[Turn]:
    """Return the turns of a legacy file, oldest first."""
    legacy = Legacy()
    for rec in segment.records:
        legacy.take(rec)
    legacy.finish()
    for one in legacy.finished:
        turn = one.turn
        turn.status = "interrupted" if turn.status == "inProgress" else turn.status
        asked = [item for item in turn.items if item.kind == "userMessage"][:1]
        said = [item for item in turn.items if item.kind == "agentMessage"][-1:]
        turn.summary = asked + said
    return [one.turn for one in legacy.finished]
