"""The settings of turns: what a turn context must say, and what of it may be left unsaid or cleared.

Three states, told apart everywhere: absent (inherit what was recorded), None (cleared on
purpose), a value. Format: docs/format.md, "Writing turns".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rollout.format.decoding import decode_json
from rollout.format.payloads import TurnContext

_OWN: Final = frozenset({"cwd", "model", "approval_policy", "sandbox_policy", "effort", "turn_id"})
_FULL_ACCESS: Final = {"type": "danger-full-access"}

Override = str | None | UnsetType


class ThreadSettings(Struct, frozen=True):
    """What every turn of a thread is run with, as far as a reader needs it.

    `extra` are members that we do not interpret; a None there is stored as null and stays so.
    """

    cwd: str
    model: str
    approval_policy: str | Mapping[str, Any] = "never"
    sandbox_policy: Mapping[str, Any] = msgspec.field(default_factory=lambda: dict(_FULL_ACCESS))
    effort: Override = UNSET
    extra: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def changed(
        self,
        *,
        cwd: str | UnsetType = UNSET,
        model: str | UnsetType = UNSET,
        effort: Override = UNSET,
        extra: Mapping[str, Any] | UnsetType = UNSET,
    ) -> ThreadSettings:
        """Return the settings with what was given put in place; absent members stay as they were."""
        return ThreadSettings(
            self.cwd if cwd is UNSET else cwd,
            self.model if model is UNSET else model,
            self.approval_policy,
            self.sandbox_policy,
            self.effort if effort is UNSET else effort,
            self.extra if extra is UNSET else {**self.extra, **extra},
        )

    def payload(self, turn_id: str) -> dict[str, Any]:
        """Return the payload of a turn context with these settings."""
        effort = {} if self.effort is UNSET else {"effort": self.effort}
        own = {
            "turn_id": turn_id,
            "cwd": self.cwd,
            "approval_policy": self.approval_policy,
            "sandbox_policy": self.sandbox_policy,
            "model": self.model,
            **effort,
        }
        return own | {key: value for key, value in self.extra.items() if key not in own}

    def applied(self, model_provider: str) -> dict[str, Any]:
        """Return them as a settings event stores them, outside of any turn."""
        effort = None if self.effort is UNSET else self.effort
        inner = {"model": self.model, "reasoning_effort": effort, "developer_instructions": None}
        return {
            "model": self.model,
            "model_provider_id": model_provider,
            "approval_policy": self.approval_policy,
            "sandbox_policy": self.sandbox_policy,
            "cwd": self.cwd,
            "collaboration_mode": {"mode": "default", "settings": inner},
        }


class _Applied(Struct, frozen=True):
    thread_settings: Raw


def applied_settings_of(event: Raw) -> ThreadSettings | None:
    """Return the settings of a settings event; None when it lacks what a turn needs."""
    found = decode_json(event, _Applied)
    members = decode_json(found.thread_settings, dict[str, Any]) if found is not None else None
    if (
        members is None
        or not isinstance(members.get("cwd"), str)
        or not isinstance(members.get("model"), str)
    ):
        return None
    policy = members.get("approval_policy", "never")
    sandbox = members.get("sandbox_policy") or dict(_FULL_ACCESS)
    return ThreadSettings(members["cwd"], members["model"], policy, sandbox)


def settings_of(context: Raw) -> ThreadSettings | None:
    """Return the settings that a stored turn context holds; None when it is none."""
    known = decode_json(context, TurnContext)
    members = decode_json(context, dict[str, Any])
    if known is None or members is None:
        return None
    return ThreadSettings(
        known.cwd,
        known.model,
        members["approval_policy"],
        members["sandbox_policy"],
        members.get("effort", UNSET),
        {key: value for key, value in members.items() if key not in _OWN and key != "root_turn_id"},
    )
