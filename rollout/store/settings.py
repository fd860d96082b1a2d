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
from rollout.format.encoding import Draft, encode_payload
from rollout.format.payloads import TurnContext
from rollout.format.vocabulary import TURN_CONTEXT
from rollout.store.sandboxes import policy_of_profile, profile_of

_OWN: Final = frozenset({"cwd", "model", "approval_policy", "sandbox_policy", "effort"})
_OF_ONE_TURN: Final = frozenset({"turn_id", "root_turn_id", "turn_metadata"})
"""Members of a turn context that do not hold for the next turn."""
_COLLABORATION: Final = "collaboration_mode"
_PROFILE: Final = "permission_profile"
_ROOTS: Final = "runtime_workspace_roots"
_APPLIED: Final = (
    "service_tier",
    "approvals_reviewer",
    _PROFILE,
    "active_permission_profile",
    _ROOTS,
    "personality",
    "disabled_plugin_ids",
)
"""Settings that we do not interpret and a settings event stores."""
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
        approval_policy: str | Mapping[str, Any] | UnsetType = UNSET,
        sandbox_policy: Mapping[str, Any] | UnsetType = UNSET,
        extra: Mapping[str, Any] | UnsetType = UNSET,
    ) -> ThreadSettings:
        """Return the settings with what was given put in place; absent members stay as they were.

        But for what names the old folder: it does not say what may be touched in another one.
        """
        kept = self.extra
        if cwd is not UNSET and cwd != self.cwd:
            is_its_own = kept.get(_ROOTS) == [self.cwd]
            kept = {
                key: value
                for key, value in kept.items()
                if key != _PROFILE and not (key == _ROOTS and is_its_own)
            }
        return ThreadSettings(
            self.cwd if cwd is UNSET else cwd,
            self.model if model is UNSET else model,
            self.approval_policy if approval_policy is UNSET else approval_policy,
            self.sandbox_policy if sandbox_policy is UNSET else sandbox_policy,
            self.effort if effort is UNSET else effort,
            kept if extra is UNSET else {**kept, **extra},
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
        rest = {key: value for key, value in self.extra.items() if key not in own}
        if _COLLABORATION in rest:
            rest[_COLLABORATION] = self._collaboration(rest[_COLLABORATION])
        return own | rest

    def _collaboration(self, mode: Any) -> Any:
        """Return a collaboration mode, which names the model and the effort again, as it is now."""
        inner = mode.get("settings") if isinstance(mode, Mapping) else None
        if not isinstance(inner, Mapping):
            return mode
        effort = {} if self.effort is UNSET else {"reasoning_effort": self.effort}
        return {**mode, "settings": {**inner, "model": self.model, **effort}}

    def applied(self, model_provider: str) -> dict[str, Any]:
        """Return them as a settings event stores them, outside of any turn.

        Reviewer and profile are always there: other readers take no event without them.
        """
        effort = None if self.effort is UNSET else self.effort
        inner = {"model": self.model, "reasoning_effort": effort, "developer_instructions": None}
        return {
            "model": self.model,
            "model_provider_id": model_provider,
            "approval_policy": self.approval_policy,
            "sandbox_policy": self.sandbox_policy,
            "cwd": self.cwd,
            "approvals_reviewer": "user",
            _PROFILE: profile_of(self.sandbox_policy, self.cwd),
            **{key: self.extra[key] for key in _APPLIED if self.extra.get(key) is not None},
            **({"reasoning_effort": effort} if effort is not None else {}),
            "collaboration_mode": {"mode": "default", "settings": inner},
        }


class SettledContext(Struct, frozen=True):
    """The turn context of settings that were judged and encoded once: turn after turn has the same."""

    settings: ThreadSettings
    behind_id: bytes

    def draft(self, turn_id: str) -> Draft:
        """Return the turn context of a turn, unwritten."""
        return Draft(TURN_CONTEXT, b'{"turn_id":%b%b' % (msgspec.json.encode(turn_id), self.behind_id))


def settle(settings: ThreadSettings) -> SettledContext:
    """Return the turn context of settings, for any turn. Raise InvalidRequest when they cannot be stored."""
    payload = encode_payload(settings.payload(""), what="turn settings")
    return SettledContext(settings, payload.removeprefix(b'{"turn_id":""'))


class _Applied(Struct, frozen=True):
    thread_settings: Raw


def applied_settings_of(event: Raw, before: ThreadSettings | None = None) -> ThreadSettings | None:
    """Return the settings of a settings event on top of those `before` it.

    None when it lacks what a turn needs. An effort of null clears one that was there, and says
    nothing where there was none.
    """
    found = decode_json(event, _Applied)
    members = decode_json(found.thread_settings, dict[str, Any]) if found is not None else None
    if (
        members is None
        or not isinstance(members.get("cwd"), str)
        or not isinstance(members.get("model"), str)
    ):
        return None
    older = before if before is not None else ThreadSettings(members["cwd"], members["model"])
    mode = members.get(_COLLABORATION)
    inner = mode.get("settings") if isinstance(mode, dict) else None
    effort = inner.get("reasoning_effort") if isinstance(inner, dict) else None
    if not isinstance(effort, str):
        effort = UNSET if older.effort is UNSET else None
    return ThreadSettings(
        members["cwd"],
        members["model"],
        members.get("approval_policy") or older.approval_policy,
        members.get("sandbox_policy")
        or policy_of_profile(members.get(_PROFILE), members["cwd"])
        or older.sandbox_policy,
        effort,
        {**older.extra, **{key: members[key] for key in _APPLIED if members.get(key) is not None}},
    )


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
        {key: value for key, value in members.items() if key not in _OWN | _OF_ONE_TURN},
    )
