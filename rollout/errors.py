"""Every error the library raises: one root, six families, stable codes.

Families are split by what a caller can do next. The library knows no exit
status and no HTTP status; each surface keeps one table keyed by `code`.
"""

from __future__ import annotations

from typing import ClassVar


class RolloutError(Exception):
    """The root of all errors raised on purpose.

    `code` is stable across releases. The message says what was being done, to
    which thread, expected against found, and where. `hint`, if any, is one
    imperative sentence that says what to do next.
    """

    code: ClassVar[str] = "rollout"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        # File names may hold bytes that are no text; a message is always text.
        message = message.encode("utf-8", "replace").decode()
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidRequest(RolloutError):
    """The call itself is wrong: a malformed id, cursor, size or option. Fix the call."""

    code = "request.invalid"


class InvalidCursor(InvalidRequest):
    """A page cursor is junk, or belongs to another thread, scope or history. Start again without it."""


class NotFound(RolloutError):
    """No such thread, turn or rollout. Check the id, or list what is there."""

    code = "not_found"


class Conflict(RolloutError):
    """Somebody else holds what was asked for. Wait, or choose another."""

    code = "conflict"


class LeaseHeld(Conflict):
    """Another writer has the thread. Close it there, or fork the thread and go on in the fork.

    `pid`, `host` and `age_ms` (how long it has had it) are known only of a writer of this
    library, and None otherwise.
    """

    def __init__(
        self,
        message: str,
        *,
        thread_id: str,
        pid: int | None = None,
        host: str | None = None,
        age_ms: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.thread_id = thread_id
        self.pid = pid
        self.host = host
        self.age_ms = age_ms


class HasForks(Conflict):
    """Other threads, `fork_ids`, stand on the history of the one to delete. Say what is to become of them."""

    def __init__(self, message: str, *, fork_ids: list[str], hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.fork_ids = fork_ids


class DamagedLog(RolloutError):
    """Bytes of a log contradict the format. Run `rollout check` to see what can be kept."""

    code = "log.damaged"


class BrokenLineage(DamagedLog):
    """A link from a rollout to its base cannot be followed. The message names the link.

    `rollout_id` is the rollout whose header holds the link, `base_id` the rollout it names.
    """

    def __init__(self, message: str, *, rollout_id: str, base_id: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.rollout_id = rollout_id
        self.base_id = base_id


class UnsupportedFormat(RolloutError):
    """Written in a form that this release does not know. Upgrade."""

    code = "format.unsupported"


class StorageFailed(RolloutError):
    """The operating system refused. Mend the cause it names, then open again."""

    code = "storage.failed"
