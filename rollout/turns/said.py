"""The words of a user, as titles and listings show them.

Pure, like all of turns. Format: docs/format.md, "Summary".
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw, Struct

from rollout.format import vocabulary
from rollout.format.decoding import decode_payload
from rollout.format.payloads import ItemCompleted
from rollout.format.record import Record
from rollout.turns.stored_sent import StoredText, find_sent

IMAGE: Final = "[Image]"
"""What stands for a message of nothing but pictures."""
_REQUEST_MARKER: Final = "## My request for Codex:"


class _SaidByUser(Struct, frozen=True):
    message: str = ""
    images: list[Raw] | None = None
    local_images: list[Raw] | None = None


def said_by_user(record: Record) -> str | None:
    """Return the words of a user message, without what an editor put in front of the request."""
    kind = record.envelope.payload.type
    if record.envelope.type != vocabulary.EVENT_MSG:
        return None
    if kind == vocabulary.USER_MESSAGE:
        said = decode_payload(record, _SaidByUser)
        if said is None:
            return None
        return shorn(said.message) or (IMAGE if said.images or said.local_images else None)
    if kind != vocabulary.ITEM_COMPLETED:
        return None
    completed = decode_payload(record, ItemCompleted)
    sent = find_sent(completed.item) if completed is not None else None
    if sent is None:
        return None
    texts = [part.text for part in sent.content if isinstance(part, StoredText)]
    return shorn("".join(texts)) or (IMAGE if len(texts) < len(sent.content) else None)


def shorn(text: str) -> str:
    """Return a request without what an editor put in front of it, and without white space around."""
    return text.partition(_REQUEST_MARKER)[2].strip() if _REQUEST_MARKER in text else text.strip()
