"""A hand-made home: its files and what a reader must make of each thread in it."""

from dataclasses import dataclass, field

from handmade.draft import Draft, JsonObject
from handmade.expected import Expectation


@dataclass
class Home:
    """The files of a home by path, and the expectations by thread id."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    expected: dict[str, JsonObject] = field(default_factory=dict)

    def add(
        self, draft: Draft, expectation: Expectation, *, path: str | None = None, content: bytes | None = None
    ) -> None:
        """Add a rollout, as drafted or with other bytes or elsewhere, and what its thread must give."""
        path = path or draft.path()
        assert path not in self.files, f"{path} twice"
        self.files[path] = draft.content if content is None else content
        self.expect(draft.thread_id, expectation)

    def expect(self, thread_id: str, expectation: Expectation) -> None:
        """State what a thread must give, whichever files it has."""
        assert thread_id not in self.expected, f"{thread_id} twice"
        self.expected[thread_id] = expectation.as_json(thread_id)
