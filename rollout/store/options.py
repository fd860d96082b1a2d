"""What a thread is started, forked or taken up with, beyond its folder and its model.

Absent says nothing: a new thread has our defaults, a fork and a thread that goes on have what was
recorded. Format: docs/format.md, "Writing turns".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rollout.store.sandboxes import SandboxMode, policy_of, profile_of
from rollout.store.settings import Override, ThreadSettings

_ACTIVE_PROFILE: Final = "active_permission_profile"


class ThreadOptions(Struct, frozen=True, kw_only=True):
    """Settings of turns, and members of a header.

    `extra` are settings that we do not interpret; `header` are members as they are stored; `instructions`
    are what the developer says to the model before anybody asks anything.
    """

    approval_policy: str | Mapping[str, Any] | UnsetType = UNSET
    sandbox: SandboxMode | UnsetType = UNSET
    effort: Override = UNSET
    extra: Mapping[str, Any] = msgspec.field(default_factory=dict)
    header: Mapping[str, Any] = msgspec.field(default_factory=dict)
    instructions: str | None = None

    @property
    def has_settings(self) -> bool:
        """Whether any of them is a setting of turns."""
        said = (self.approval_policy, self.sandbox, self.effort)
        return bool(self.extra) or any(value is not UNSET for value in said)

    def applied_to(self, settings: ThreadSettings) -> ThreadSettings:
        """Return settings with what these options say put in place."""
        if not self.has_settings:
            return settings
        extra = dict(self.extra)
        if self.sandbox is not UNSET:
            extra["permission_profile"] = profile_of(policy_of(self.sandbox), settings.cwd)
            if _ACTIVE_PROFILE in settings.extra:
                extra.setdefault(_ACTIVE_PROFILE, None)
        return settings.changed(
            approval_policy=self.approval_policy,
            sandbox_policy=policy_of(self.sandbox) if self.sandbox is not UNSET else UNSET,
            effort=self.effort,
            extra=extra,
        )


NO_OPTIONS: Final = ThreadOptions()
