"""Shapes that every process decodes: their decoders are made while somebody waits."""

from __future__ import annotations

import importlib

import msgspec
import pytest

MODULES = (
    "rollout.format.codec",
    "rollout.format.decoding",
    "rollout.format.payloads",
    "rollout.format.regular",
    "rollout.replay.checkpoint",
    "rollout.replay.foundation",
    "rollout.replay.usage",
    "rollout.turns.stored_sent",
)


@pytest.mark.parametrize("name", MODULES)
def test_types_of_members_are_values_and_no_text(name: str) -> None:
    """Postponed annotations would be compiled and evaluated, one by one, for each decoder that is made."""
    shapes = [
        found
        for found in vars(importlib.import_module(name)).values()
        if isinstance(found, type) and issubclass(found, msgspec.Struct) and found.__module__ == name
    ]
    assert shapes
    assert not [
        shape for shape in shapes if any(isinstance(one, str) for one in shape.__annotations__.values())
    ]
