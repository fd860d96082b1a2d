"""What the lines of one file add up to when all of them are read: damage, counts, seals.

Harmless lines are counted, not called damage. Format: docs/format.md, "Lines" and "Seals".
"""

from __future__ import annotations

from collections import Counter

from rollout.format.record import Damage, Mode, Reason, Record, Rejected
from rollout.format.seals import Seal, find_seal
from rollout.format.vocabulary import TURN_ENDS
from rollout.log.header import Header
from rollout.log.layout import RolloutFile
from rollout.log.seal import find_broken_seal
from rollout.log.source import Source
from rollout.replay.sealed import damage_of, find_rejected_seal


class Tally:
    """Counts over the lines of one file, oldest first."""

    def __init__(self, file: RolloutFile, header: Header, source: Source) -> None:
        self._file = file
        self._header = header
        self._source = source
        self._seals: list[Seal] = []
        self._is_paginated = header.mode is Mode.PAGINATED
        self._next_ordinal: int | None = None
        self.records = 0
        self.damage: list[Damage] = []
        self.torn_tail: Damage | None = None
        self.passed_over: Counter[Reason] = Counter()
        self.sound_seals: list[Seal] = []

    def take(self, line: Record | Rejected) -> None:
        """Take the next line."""
        if isinstance(line, Rejected):
            if line.reason is not Reason.CHECKPOINT:  # which counts nothing for sure
                self._next_ordinal = None  # what this line would have counted cannot be known
            self._note(find_rejected_seal(self._source, line))
            if line.reason is Reason.BROKEN_SEAL:
                self.passed_over[Reason.UNKNOWN_TYPE] += 1  # what the seal covers says whether it was altered
            elif line.is_damage:
                self.damage.append(self._damage(line))
            elif line.reason is Reason.TORN_TAIL:
                self.torn_tail = self._damage(line)
            else:
                self.passed_over[line.reason] += 1
            return
        self.records += 1
        if line.envelope.payload.type in TURN_ENDS:
            self._note(find_seal(line.stored, line.start_offset))
        if self._is_paginated:
            self._count(line)

    def _note(self, seal: Seal | None) -> None:
        if seal is not None:
            self._seals.append(seal)

    def verify_seals(self) -> None:
        """Hold every seal against what it covers, each for itself: a broken one hides no other."""
        for seal in self._seals:
            broken = find_broken_seal(self._source, seal)
            if broken is not None:
                self.damage.append(self._damage(broken))
            else:
                self.sound_seals.append(seal)

    def _count(self, record: Record) -> None:
        ordinal, expected = record.ordinal, self._next_ordinal
        if record.type == "session_meta" and record.start_offset != self._header.start_offset:
            copied = "a header copied into the middle of the file"
            self._found(record, Reason.COPIED_HEADER, copied)
        if ordinal is None:
            return
        if expected is not None and ordinal != expected:
            self._found(record, Reason.ORDINAL, f"expected ordinal {expected}, found {ordinal}")
        self._next_ordinal = ordinal + 1

    def _found(self, record: Record, reason: Reason, detail: str) -> None:
        self.damage.append(self._damage(Rejected(record.start_offset, record.end_offset, reason, detail)))

    def _damage(self, line: Rejected) -> Damage:
        return damage_of(self._file.name.rollout_id, self._file.path, line)
