"""The promised names and their signatures: a change here is a change for everybody who embeds us.

Set ROLLOUT_UPDATE_GOLDEN=1 to write the snapshot anew, then read the difference.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from enum import Enum
from pathlib import Path

import msgspec
import pytest

import rollout

SNAPSHOT = Path(__file__).parent / "public_api.txt"


def signature_of(name: str, found: object) -> list[str]:
    """Return what a caller can rely on, line by line."""
    if inspect.isfunction(found):
        return [f"{name}{inspect.signature(found)}"]
    if not isinstance(found, type):
        return [f"{name}: {found!r}"]
    if issubclass(found, Enum):
        return [f"{name}.{one.name} = {one.value!r}" for one in found]
    if issubclass(found, msgspec.Struct):
        lines = [
            f"{name}.{field.name}: {found.__annotations__.get(field.name)}"
            for field in msgspec.structs.fields(found)
        ]
    else:
        lines = [f"{name}{inspect.signature(found)}"]
    for member, value in sorted(vars(found).items()):
        if member.startswith("_"):
            continue
        if inspect.isfunction(value):
            lines.append(f"{name}.{member}{inspect.signature(value)}")
        elif isinstance(value, property):
            lines.append(f"{name}.{member}: property")
    return lines


def test_names_and_signatures_are_as_promised() -> None:
    """Every name in __all__, with what it takes and holds."""
    lines = [line for name in sorted(rollout.__all__) for line in signature_of(name, getattr(rollout, name))]
    found = re.sub(r" at 0x[0-9a-f]+", "", "\n".join(lines) + "\n")
    if os.environ.get("ROLLOUT_UPDATE_GOLDEN"):
        SNAPSHOT.write_text(found)
    assert found == SNAPSHOT.read_text()


def test_an_unknown_name_is_an_attribute_error() -> None:
    """Names are imported when asked for; one that is not promised is refused as usual."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rollout.nothing  # type: ignore[attr-defined]  # that is the point
    assert set(dir(rollout)) == set(rollout.__all__)


def test_import_is_cheap() -> None:
    """Importing the package imports no decoder: names come when they are asked for."""
    script = "import sys, rollout; assert 'msgspec' not in sys.modules, sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_every_promised_name_is_explained() -> None:
    """A docstring for each class and function."""
    for name in rollout.__all__:
        found = getattr(rollout, name)
        if isinstance(found, type) or inspect.isfunction(found):
            assert found.__doc__, name
