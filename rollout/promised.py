"""Names that a package promises, imported when they are first asked for: most callers ask for few."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module


def homes_of(names: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the module of every name, given the names of every module."""
    return {name: module for module, found in names.items() for name in found}


def find_promised(package: str, homes: Mapping[str, str], name: str) -> object:
    """Return what a package promises under a name. Raise AttributeError when it promises no such thing."""
    module = homes.get(name)
    if module is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    found: object = getattr(import_module(module), name)
    return found
