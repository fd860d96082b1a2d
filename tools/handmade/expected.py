"""What a reader must make of a rollout, stated by hand and written beside it.

The members are those of `expected/<thread id>.json`; `fixtures/README.md` describes them. Nothing
here is computed from what some reader answered.
"""

from dataclasses import dataclass, field

from handmade.draft import TURN_SECONDS, TURN_STARTED, JsonObject, Span


@dataclass(frozen=True)
class Refusal:
    """The error that opening a thread meets: its class, its stable code, and words of its message."""

    error: str
    code: str
    says: str


@dataclass(frozen=True)
class Harm:
    """Bytes that are reported: why, where, and in which rollout if not in the thread's own."""

    reason: str
    span: Span
    rollout_id: str | None = None


@dataclass(frozen=True)
class Expectation:
    """Everything a thread is tested for. A refused one has nothing else."""

    about: str
    context: list[JsonObject] = field(default_factory=list)
    turns: list[JsonObject] = field(default_factory=list)
    damage: list[Harm] = field(default_factory=list)
    next_ordinal: int | None = None
    not_resumable: str | None = None
    max_line_bytes: int | None = None
    refusal: Refusal | None = None

    def as_json(self, thread_id: str) -> JsonObject:
        """Return the content of the file."""
        refusal = self.refusal
        if refusal is not None:
            error = {"class": refusal.error, "code": refusal.code, "says": refusal.says}
            return {"about": self.about, "error": error}
        return {
            "about": self.about,
            "error": None,
            "maxLineBytes": self.max_line_bytes,
            "context": self.context,
            "turns": self.turns,
            "damage": [
                {
                    "rolloutId": harm.rollout_id or thread_id,
                    "reason": harm.reason,
                    "startOffset": harm.span.start_offset,
                    "endOffset": harm.span.end_offset,
                }
                for harm in self.damage
            ],
            "nextOrdinal": self.next_ordinal,
            "notResumable": self.not_resumable,
        }


def user_item(item_id: str, text: str) -> JsonObject:
    """Return what a user said, as it is shown."""
    return {
        "type": "userMessage",
        "id": item_id,
        "clientId": None,
        "content": [{"type": "text", "text": text, "text_elements": []}],
        "startedAtMs": None,
        "completedAtMs": None,
    }


def agent_item(item_id: str, text: str) -> JsonObject:
    """Return what the agent said, as it is shown."""
    return {
        "type": "agentMessage",
        "moderation": None,
        "id": item_id,
        "text": text,
        "phase": None,
        "memoryCitation": None,
        "delivery": None,
        "questions": None,
        "startedAtMs": None,
        "completedAtMs": None,
    }


def reasoning_item(item_id: str, summary: str) -> JsonObject:
    """Return what the agent thought, as it is shown."""
    return {
        "type": "reasoning",
        "id": item_id,
        "summary": [summary],
        "content": [],
        "startedAtMs": None,
        "completedAtMs": None,
    }


def turn(turn_id: str, *items: JsonObject, status: str = "completed", is_timed: bool = True) -> JsonObject:
    """Return a turn in full. A completed one lasted as long as those of a draft; the rest never ended."""
    has_ended = is_timed and status == "completed"
    return {
        "id": turn_id,
        "rootTurnId": None,
        "itemsView": "full",
        "status": status,
        "error": None,
        "startedAt": TURN_STARTED if is_timed else None,
        "completedAt": TURN_STARTED + TURN_SECONDS if has_ended else None,
        "durationMs": TURN_SECONDS * 1000 if has_ended else None,
        "items": list(items),
    }


def paginated_turn(turn_id: str, asked: str, said: str, status: str = "completed") -> JsonObject:
    """Return a turn of a paginated draft: its items carry ids of their own."""
    items = (user_item(f"{turn_id}-asked", asked), agent_item(f"{turn_id}-said", said))
    return turn(turn_id, *items, status=status)


def legacy_turn(turn_id: str, first_number: int, asked: str, said: str) -> JsonObject:
    """Return a turn of a legacy draft: its items are numbered over the thread."""
    items = (user_item(f"item-{first_number}", asked), agent_item(f"item-{first_number + 1}", said))
    return turn(turn_id, *items)
