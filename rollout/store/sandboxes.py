"""What the commands of a turn may touch: three modes, and the two forms in which clients store them.

A policy is what turn contexts have always said, a permission profile what newer clients go by. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final


class SandboxMode(StrEnum):
    """What commands may touch: nothing, the workspace, everything."""

    READ_ONLY = "read-only"
    WORKSPACE_WRITE = "workspace-write"
    FULL_ACCESS = "danger-full-access"


_EXTERNAL: Final = "external-sandbox"
_KEPT_FROM_WRITES: Final = (".git", ".agents", ".codex", ".aws")


def policy_of(mode: SandboxMode) -> dict[str, Any]:
    """Return the policy of a mode, as a turn context stores it."""
    if mode is not SandboxMode.WORKSPACE_WRITE:
        return {"type": mode.value}
    return {
        "type": mode.value,
        "network_access": False,
        "exclude_tmpdir_env_var": False,
        "exclude_slash_tmp": False,
    }


def profile_of(policy: Mapping[str, Any], cwd: str) -> dict[str, Any]:
    """Return the permission profile of a policy for turns in a folder; of an unknown one, the narrowest."""
    kind = policy.get("type")
    if kind == SandboxMode.FULL_ACCESS:
        return {"type": "disabled"}
    access = policy.get("network_access")
    network = "enabled" if access in {True, "enabled"} else "restricted"
    if kind == _EXTERNAL:
        return {"type": "external", "network": network}
    entries = [_special("root", "read")]
    if kind == SandboxMode.WORKSPACE_WRITE:
        roots = policy.get("writable_roots")
        others = [root for root in roots if isinstance(root, str)] if isinstance(roots, list) else []
        entries += [_path(root, "write") for root in dict.fromkeys((cwd, *others))]
        if policy.get("exclude_slash_tmp") is not True:
            entries.append(_special("slash_tmp", "write"))
        if policy.get("exclude_tmpdir_env_var") is not True:
            entries.append(_special("tmpdir", "write"))
        entries += [
            _path(f"{cwd.rstrip('/')}/{name}", "read") | {"missing_path_behavior": "skip"}
            for name in _KEPT_FROM_WRITES
        ]
    files = {"type": "restricted", "entries": entries}
    return {"type": "managed", "file_system": files, "network": network}


def _special(kind: str, access: str) -> dict[str, Any]:
    return {"path": {"type": "special", "value": {"kind": kind}}, "access": access}


def _path(path: str, access: str) -> dict[str, Any]:
    return {"path": {"type": "path", "path": path}, "access": access}


def policy_of_profile(profile: object, cwd: str) -> dict[str, Any] | None:
    """Return the policy that comes nearest to a permission profile; None for one that is not known."""
    if not isinstance(profile, Mapping):
        return None
    if profile.get("type") == "disabled":
        return {"type": SandboxMode.FULL_ACCESS.value}
    if profile.get("type") == "external":
        return {"type": _EXTERNAL, "network_access": profile.get("network", "restricted")}
    files = profile.get("file_system")
    entries = files.get("entries") if isinstance(files, Mapping) else None
    if profile.get("type") != "managed" or not isinstance(entries, list):
        return None
    places = [_place(entry) for entry in entries if _is_written(entry)]
    network = {"network_access": profile.get("network") == "enabled"}
    if not places:
        return {"type": SandboxMode.READ_ONLY.value} | (network if network["network_access"] else {})
    if "root" in places:
        return {"type": SandboxMode.FULL_ACCESS.value}
    roots = [place for place in places if place.startswith("/") and place != cwd]
    return {
        "type": SandboxMode.WORKSPACE_WRITE.value,
        **({"writable_roots": roots} if roots else {}),
        **network,
        "exclude_tmpdir_env_var": "tmpdir" not in places,
        "exclude_slash_tmp": "slash_tmp" not in places,
    }


def _is_written(entry: object) -> bool:
    return isinstance(entry, Mapping) and entry.get("access") == "write"


def _place(entry: Mapping[str, Any]) -> str:
    """Return the path of an entry, or the word for what is no path."""
    path = entry.get("path")
    if not isinstance(path, Mapping):
        return ""
    value = path.get("value")
    word = value.get("kind") if isinstance(value, Mapping) else path.get("path")
    return word if isinstance(word, str) else ""
