"""The oracle's resume: the scan, the replay and everything else of a lineage, read whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.property.oracle import (
    Json,
    Rec,
    Segment,
    is_boundary,
    is_contextual_user,
    is_history,
    texts_of,
)

NEVER, CLEARED = "never", "cleared"
SUMMARY_MISSING = "(no summary available)"


@dataclass
class Stretch:
    """The open turn of the scan."""

    turn_id: str | None = None
    is_completed: bool = False
    is_user_turn: bool = False
    settings: Json | None = None
    reference: Any = NEVER
    base: int | None = None
    window: Json | None = None
    notes: list[Rec] = field(default_factory=list)


@dataclass
class Scan:
    """The state of the scan; lists are newest first."""

    pending: int = 0
    base: int | None = None
    window: Json | None = None
    settings: Json | None = None
    reference: Any = NEVER
    notes: list[Rec] = field(default_factory=list)
    stretch: Stretch | None = None


def resume(segments: list[Segment]) -> Json:
    """Return what continuing a thread needs, under plain names."""
    modes = {segment.place: segment.is_paginated for segment in segments}
    whole = [rec for segment in segments for rec in segment.records]
    compactions = [index for index, rec in enumerate(whole) if rec.type == "compacted"]
    newest = compactions[-1] if compactions else None
    is_bounded = newest is not None and _is_checkpoint(whole[newest], is_paginated=modes[whole[newest].place])
    first = newest + 1 if is_bounded and newest is not None else 0
    checkpoint = whole[newest].payload if is_bounded and newest is not None else None
    scan = _scan(whole, first, checkpoint)
    base = newest if is_bounded else scan.base
    history, is_void = _replay(whole, base)
    settings = scan.settings
    if settings is None and checkpoint is not None:
        settings = _settings((checkpoint.get("resume_metadata") or {}).get("previous_turn_settings"))
    reads_all = checkpoint is None or newest is None or not modes[whole[newest].place]
    contexts = [rec.payload["model"] for rec in whole if rec.type == "turn_context"]
    return {
        "history": history,
        "settings": settings,
        "reference": None if is_void or scan.reference in (NEVER, CLEARED) else scan.reference,
        "world": _world(scan.notes[::-1]),
        "window": _window(scan, checkpoint, whole, segments[-1].header),
        "reported": _reported(whole if reads_all else whole[first:]),
        "thread": _thread_total(whole),
        "model": contexts[-1] if contexts else None,
        "next_ordinal": _next_ordinal(segments[-1]),
    }


def _number(compacted: Json) -> int | None:
    if compacted.get("window_number") is not None:
        return int(compacted["window_number"])
    window_id = compacted.get("window_id")
    return window_id if isinstance(window_id, int) else None


def _is_checkpoint(rec: Rec, *, is_paginated: bool) -> bool:
    payload = rec.payload
    has_both = payload.get("replacement_history") is not None and _number(payload) is not None
    return has_both and (is_paginated or payload.get("resume_metadata") is not None)


def _settings(payload: Json | None) -> Json | None:
    if payload is None:
        return None
    return {name: payload.get(name) for name in ("model", "comp_hash", "realtime_active")}


def _scan(whole: list[Rec], first: int, checkpoint: Json | None) -> Scan:
    scan = Scan()
    foreign = _foreign_ends(whole, first)
    for index in reversed(range(first, len(whole))):
        if index not in foreign:
            _scan_record(scan, whole[index], index)
    stretch = scan.stretch
    if stretch is not None:
        if (
            checkpoint is not None
            and checkpoint.get("resume_metadata") is not None
            and not stretch.is_completed
        ):
            stretch.settings = None
        _finish(scan, stretch)
    return scan


def _foreign_ends(whole: list[Rec], first: int) -> set[int]:
    """Return the ends that name another turn than the one that is running, once any has started."""
    found: set[int] = set()
    running: str | None = None
    has_started = False
    for index in range(first, len(whole)):
        rec = whole[index]
        kind = rec.kind if rec.type == "event_msg" else None
        turn_id = rec.payload.get("turn_id")
        if kind in {"task_started", "turn_started"}:
            running, has_started = turn_id, True
        elif kind in {"task_complete", "turn_complete", "turn_aborted"}:
            if turn_id is not None and has_started and turn_id != running:
                found.add(index)
            else:
                running = None
    return found


def _scan_record(scan: Scan, rec: Rec, index: int) -> None:
    payload, kind = rec.payload, rec.kind if rec.type == "event_msg" else None
    turn_id = payload.get("turn_id")
    if kind == "thread_rolled_back":
        scan.pending += payload["num_turns"]
        return
    if kind in {"task_started", "turn_started"}:
        stretch = scan.stretch
        if stretch is not None and stretch.turn_id in {None, turn_id}:
            _finish(scan, stretch)
            scan.stretch = None
        return
    if kind == "turn_aborted" and scan.stretch is None and turn_id is None:
        return
    opens = {"response_item", "inter_agent_communication", "turn_context", "compacted", "world_state"}
    ends = {"task_complete", "turn_complete", "turn_aborted"}
    if rec.type not in opens and kind not in ends and kind != "user_message":
        return
    stretch = scan.stretch = scan.stretch or Stretch()
    if kind in ends:
        stretch.turn_id = stretch.turn_id or turn_id
        stretch.is_completed |= kind != "turn_aborted"
    elif kind == "user_message" or rec.type == "inter_agent_communication":
        stretch.is_user_turn = True
    elif rec.type == "response_item":
        stretch.is_user_turn |= is_boundary(payload)
    elif rec.type == "turn_context":
        stretch.turn_id = stretch.turn_id or turn_id
        if turn_id in {None, stretch.turn_id}:
            stretch.settings = _settings(payload)
            stretch.reference = payload if stretch.reference == NEVER else stretch.reference
    elif rec.type == "compacted":
        stretch.reference = CLEARED if stretch.reference == NEVER else stretch.reference
        if stretch.window is None and _number(payload) is not None:
            stretch.window = payload
        if stretch.base is None and payload.get("replacement_history") is not None:
            stretch.base = index
        stretch.notes.append(rec)
    else:
        stretch.notes.append(rec)


def _finish(scan: Scan, stretch: Stretch) -> None:
    if scan.pending > 0:
        scan.pending -= 1 if stretch.is_user_turn else 0
        return
    newer: list[Rec] = []
    for note in stretch.notes:
        if note.type == "compacted":
            break
        newer.append(note)
    establishes = stretch.is_user_turn or any(note.payload["full"] for note in newer)
    scan.base = stretch.base if scan.base is None else scan.base
    scan.window = stretch.window if scan.window is None else scan.window
    if scan.settings is None and establishes:
        scan.settings = stretch.settings
    if scan.reference == NEVER and (establishes or stretch.reference == CLEARED):
        scan.reference = stretch.reference
    scan.notes += stretch.notes


def _replay(whole: list[Rec], base: int | None) -> tuple[list[Json], bool]:
    history: list[Json] = []
    is_void = False
    if base is not None:
        replaced = whole[base].payload["replacement_history"]
        history = [item for item in replaced if item["type"] != "ghost_snapshot"]
    for rec in whole[base + 1 if base is not None else 0 :]:
        payload = rec.payload
        if rec.type == "response_item" and is_history(payload):
            history.append(payload)
        elif rec.type == "inter_agent_communication":
            said = [{"type": "input_text", "text": payload["content"]}]
            named = {"author": payload["author"], "recipient": payload["recipient"]}
            history.append({"type": "agent_message", **named, "content": said})
        elif rec.type == "compacted" and payload.get("replacement_history") is None:
            history, is_void = _compact(history, payload["message"]), True
        elif rec.type == "event_msg" and rec.kind == "thread_rolled_back":
            history = _roll_back(history, payload["num_turns"])
    return history, is_void


def _roll_back(history: list[Json], num_turns: int) -> list[Json]:
    places = [index for index, item in enumerate(history) if is_boundary(item)]
    if not places or num_turns == 0:
        return history
    cut = places[max(0, len(places) - num_turns)]
    while cut - 1 > places[0] and _is_context(history[cut - 1]):
        cut -= 1
    return history[:cut]


def _is_context(item: Json) -> bool:
    if item["type"] == "message" and item["role"] == "developer":
        blocks = ("<permissions instructions>", "<model_switch>")
        return any(text.startswith(blocks) for text in texts_of(item))
    return is_contextual_user(item)


def _compact(history: list[Json], summary: str) -> list[Json]:
    kept: list[Json] = []
    left = 20_000
    for item in history[::-1]:
        is_users = item["type"] == "message" and item["role"] == "user" and not is_contextual_user(item)
        if not is_users or left == 0:
            continue
        texts = [part["text"] for part in item["content"] if part["type"] == "input_text"]
        size = sum(len(text.encode()) for text in texts)
        cost = (size + 3) // 4
        if cost > left:
            kept.append(_made(item, _cut("".join(texts), size, 4 * left)))
            break
        kept.append(item if len(texts) == len(item["content"]) else _made(item, texts or [""]))
        left -= cost
    return [*kept[::-1], _made({}, [summary or SUMMARY_MISSING])]


def _made(item: Json, texts: list[str]) -> Json:
    named = {"id": item["id"]} if "id" in item else {}
    content = [{"type": "input_text", "text": text} for text in texts]
    return {"type": "message", "role": "user", "content": content, **named}


def _cut(text: str, size: int, budget: int) -> list[str]:
    front = _as_many(text, budget // 2)
    back = _as_many(text[::-1], budget - budget // 2)[::-1]
    return [front, f"…{(size - budget + 3) // 4} tokens truncated…", back]


def _as_many(text: str, size: int) -> str:
    """Return as many characters from the front as fit into `size` bytes."""
    count = min(size, len(text))
    while len(text[:count].encode()) > size:
        count -= max(1, (len(text[:count].encode()) - size) // 4)
    while count < len(text) and len(text[: count + 1].encode()) <= size:
        count += 1
    return text[:count]


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _world(notes: list[Rec]) -> Any:
    state: Any = None
    for note in notes:
        if note.type == "compacted":
            state = None
        elif note.payload["full"]:
            state = note.payload["state"]
        elif state is not None:
            state = _merge(state, note.payload["state"])
    return state


def _window(scan: Scan, checkpoint: Json | None, whole: list[Rec], header: Json) -> list[Any]:
    def counted(value: Any) -> Any:
        return value if isinstance(value, str) and len(value) == 36 and value[14] == "7" else None

    found = scan.window or checkpoint
    if found is not None:
        ids = (found.get(name) for name in ("first_window_id", "previous_window_id", "window_id"))
        return [_number(found), *map(counted, ids)]
    compactions = [rec.payload for rec in whole if rec.type == "compacted"]
    first = (header.get("context_window") or {}).get("window_id")
    if first is not None and all(_number(payload) is not None for payload in compactions):
        return [0, counted(first), None, counted(first)]
    return [len(compactions), None, None, None]


def _reported(loaded: list[Rec]) -> int | None:
    for rec in reversed(loaded):
        if (
            rec.type == "event_msg"
            and rec.kind == "token_count"
            and isinstance(rec.payload.get("info"), dict)
        ):
            return int(rec.payload["info"]["total_token_usage"]["total_tokens"])
    return None


def _thread_total(whole: list[Rec]) -> int | None:
    for rec in reversed(whole):
        if rec.type not in {"token_usage_record", "compacted"}:
            continue
        usage = (
            rec.payload if rec.type == "token_usage_record" else rec.payload.get("latest_token_usage_record")
        )
        total = (usage or {}).get("thread_token_usage")
        if total is not None or rec.type == "compacted":
            return int(total["total_tokens"]) if total is not None else None
    return None


def _next_ordinal(newest: Segment) -> int | None:
    if not newest.is_paginated:
        return None
    last = newest.records[-1].ordinal if newest.records else newest.header_ordinal
    return None if last is None else last + 1
