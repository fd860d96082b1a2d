"""The forward replay: from a base and the records after it to the model history.

Pure. Items keep the bytes they were stored with. Format: docs/format.md, "Replay",
"Plain compaction" and "Rollback".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Raw, Struct

from rollout.format import vocabulary
from rollout.format.decoding import decode_json, decode_payload, decode_probe, payload_of, payloads_of
from rollout.format.items import (
    is_boundary,
    is_contextual_developer,
    is_contextual_user,
    parts_of,
)
from rollout.format.payloads import AgentCommunication, Compacted, RolledBack
from rollout.format.record import ABSENT, Probe, Record

_BUDGET_TOKENS: Final = 20_000
_BYTES_A_TOKEN: Final = 4
_NO_SUMMARY: Final = "(no summary available)"
_INPUT_TEXT: Final = "input_text"

_SUMMARY_PREFIX_BYTES: Final = 400
_SUMMARY_PREFIX_DIGEST: Final = "5891127b951647095b47667ac96adf24a4dffff3a351ee8ac225a95a2d6a57d8"


class HistoryItem(Struct, frozen=True, gc=False):
    """One item of the model history: a record's payload, or bytes that no line holds alone.

    `record` is the line it comes from, if one holds it; `json` its bytes where they are not that
    line's payload; `place` its index in the replacement history of a compaction.
    """

    record: Record | None = None
    json: Raw | None = None
    place: int | None = None

    @property
    def probe(self) -> Probe:
        """What the item is, as far as rules look at it."""
        if self.record is not None and self.json is None:
            return self.record.envelope.payload
        return decode_probe(self.json or ABSENT) or Probe()

    def read_json(self) -> Raw:
        """Return the item's JSON, as stored."""
        if self.json is not None:
            return self.json
        assert self.record is not None, "an item has bytes or a record"
        return payload_of(self.record)


class _Text(Struct, frozen=True, tag=_INPUT_TEXT, tag_field="type"):
    text: str


class _UserMessage(Struct, frozen=True, tag="message", tag_field="type", omit_defaults=True):
    role: str
    content: list[_Text]
    id: str | None = None


class _Identity(Struct, frozen=True):
    id: str | None = None


class _AgentMessage(Struct, frozen=True, tag="agent_message", tag_field="type"):
    author: str
    recipient: str
    content: list[_Text]


def jsons_of(items: list[HistoryItem]) -> list[Raw]:
    """Return the JSON of many items, as `HistoryItem.read_json` does."""
    records = [item.record for item in items if item.json is None and item.record is not None]
    stored = iter(payloads_of(records))
    return [item.json if item.json is not None else next(stored) for item in items]


class Replayed(Struct, frozen=True):
    """A model history, and whether a plain compaction voided the reference context on the way."""

    items: list[HistoryItem]
    is_reference_void: bool


def base_items(record: Record, compacted: Compacted) -> list[HistoryItem]:
    """Return the items of a checkpoint's replacement history; ghost snapshots of 2025 are left out."""
    found = [HistoryItem(record, raw, at) for at, raw in enumerate(compacted.replacement_history or ())]
    if not _may_say(record.stored, vocabulary.GHOST_SNAPSHOT):
        return found
    return [item for item in found if item.probe.type != vocabulary.GHOST_SNAPSHOT]


def _may_say(json: bytes, word: str) -> bool:
    """Tell whether JSON may hold a word of ASCII letters: plainly, or spelled with escapes."""
    return word.encode() in json or b"\\u00" in json


def replay(base: list[HistoryItem], records: Iterable[Record]) -> Replayed:
    """Fold `records`, oldest first, onto the items of `base`."""
    items = list(base)
    is_void = False
    for record in records:
        type_ = record.envelope.type
        if type_ == vocabulary.RESPONSE_ITEM:
            items.append(HistoryItem(record))
        elif type_ == vocabulary.AGENT_COMMUNICATION:
            items.extend(_communicated(record))
        elif type_ == vocabulary.COMPACTED:
            compacted = decode_payload(record, Compacted)
            if compacted is not None and compacted.replacement_history is None:
                items = compact_plainly(items, compacted.message)
                is_void = True
        else:
            rolled_back = decode_payload(record, RolledBack)
            if rolled_back is not None:
                del items[_cut_index(items, rolled_back.num_turns) :]
    return Replayed(items, is_void)


def _communicated(record: Record) -> list[HistoryItem]:
    sent = decode_payload(record, AgentCommunication)
    if sent is None:
        return []
    made = _made(_AgentMessage(sent.author, sent.recipient, [_Text(sent.content)]))
    return [HistoryItem(record, made.json)]


def _made(item: _AgentMessage | _UserMessage) -> HistoryItem:
    json = Raw(msgspec.json.encode(item))
    return HistoryItem(json=json)


def _cut_index(items: list[HistoryItem], num_turns: int) -> int:
    """Return how many items stay when the last `num_turns` turns are taken back."""
    boundaries = [index for index, item in enumerate(items) if is_boundary(item.probe)]
    if not boundaries or num_turns == 0:
        return len(items)
    cut = boundaries[-num_turns] if num_turns <= len(boundaries) else boundaries[0]
    while cut > boundaries[0] + 1 and _is_turn_context(items[cut - 1].probe):
        cut -= 1
    return cut


def _is_turn_context(probe: Probe) -> bool:
    return is_contextual_user(probe) or is_contextual_developer(probe)


def compact_plainly(items: list[HistoryItem], message: str) -> list[HistoryItem]:
    """Return the history that a compaction without replacement history leaves.

    The newest user messages up to 20 000 tokens, their `input_text` parts alone, the one that
    crosses the limit cut in its middle, then the summary.
    """
    kept: list[HistoryItem] = []
    left = _BUDGET_TOKENS
    for item in reversed(items):
        if left == 0:
            break
        if item.probe.role != "user" or not is_boundary(item.probe):
            continue
        parts = parts_of(item.probe)
        texts = [part.text or "" for part in parts if part.type == _INPUT_TEXT]
        joined = "".join(texts)
        if is_summary(joined):
            continue
        tokens = -(-len(_bytes_of(joined)) // _BYTES_A_TOKEN)
        if tokens > left:
            kept.append(_with_texts(item, truncate_middle(texts, left)))
            break
        kept.append(item if len(texts) == len(parts) else _with_texts(item, texts or [""]))
        left -= tokens
    kept.reverse()
    kept.append(_made(_UserMessage("user", [_Text(message or _NO_SUMMARY)])))
    return kept


def _with_texts(item: HistoryItem, texts: list[str]) -> HistoryItem:
    """Return a user message made anew of `texts`; its id stays."""
    known = decode_json(item.read_json(), _Identity)
    message_id = known.id if known is not None else None
    return _made(_UserMessage("user", [_Text(text) for text in texts], message_id))


def is_summary(text: str) -> bool:
    """Tell whether a user message is an earlier summary, by the fixed words it begins with."""
    from hashlib import blake2b  # only plain compactions need it, and it is slow to import

    head = _bytes_of(text)[:_SUMMARY_PREFIX_BYTES]
    return (
        len(head) == _SUMMARY_PREFIX_BYTES
        and blake2b(head, digest_size=32).hexdigest() == _SUMMARY_PREFIX_DIGEST
    )


def truncate_middle(texts: list[str], budget_tokens: int) -> list[str]:
    """Return the parts of a message cut to a budget that they exceed: its front, a marker, its back.

    Half of the budget is spent from either end, whole characters only. The marker counts the
    tokens removed; parts that are all removed disappear, and the others keep their borders.
    """
    parts = [_bytes_of(text) for text in texts]
    size = sum(len(part) for part in parts)
    budget = budget_tokens * _BYTES_A_TOKEN
    front_end = budget // 2
    back_start = size - (budget - front_end)
    front: list[str] = []
    back: list[str] = []
    start = 0
    for part in parts:
        end = start + len(part)
        _keep(front, part[: max(0, front_end - start)], is_whole=end <= front_end)
        _keep(back, part[max(0, back_start - start) :], is_whole=start >= back_start)
        start = end
    removed = -(-(size - budget) // _BYTES_A_TOKEN)
    return [*front, f"…{removed} tokens truncated…", *back]


def _keep(kept: list[str], content: bytes, *, is_whole: bool) -> None:
    text = content.decode("utf-8", "ignore")
    if text or is_whole:
        kept.append(text)


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
