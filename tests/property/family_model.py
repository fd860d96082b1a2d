"""A family of threads as lists that are copied: the oracle of everything that shares bytes.

A thread is a list of what was said in it. A fork copies a piece of the list, and from then on the two have
nothing to do with one another. Knows nothing of rollouts, bases or ordinals.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Said:
    """One turn: its id, and what was asked and answered; or, if `kept` is set, a compaction to that."""

    turn_id: str
    question: str = ""
    kept: tuple[str, ...] | None = None

    @property
    def texts(self) -> list[str]:
        """What a model is given of it."""
        return [self.question, f"re: {self.question}"]


@dataclass
class Member:
    """One thread of the family."""

    said: list[Said] = field(default_factory=list)
    is_legacy: bool = False
    is_archived: bool = False
    is_compressed: bool = False
    is_deleted: bool = False
    mark: int = 0

    def turns(self) -> list[tuple[str, str]]:
        """Return id and question of every turn."""
        return [(one.turn_id, one.question) for one in self.said]

    def context(self) -> list[str]:
        """Return the texts that a model is given."""
        texts: list[str] = []
        for one in self.said:
            texts = list(one.kept) if one.kept is not None else texts + one.texts
        return texts

    def copy(self, count: int) -> Member:
        """Return a fork that keeps the first turns."""
        return Member(self.said[:count])

    def frozen(self) -> Member:
        """Return the member as it is now."""
        return replace(self, said=list(self.said))
