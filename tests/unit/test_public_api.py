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

import fork
import rollout
import rollout.client

SNAPSHOTS = {
    "rollout": "public_api.txt",
    "rollout.client": "public_client_api.txt",
    "fork": "public_fork_api.txt",
}
PACKAGES = {"rollout": rollout, "rollout.client": rollout.client, "fork": fork}


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


@pytest.mark.parametrize("package", PACKAGES)
def test_names_and_signatures_are_as_promised(package: str) -> None:
    """Every name in __all__, with what it takes and holds."""
    module, snapshot = PACKAGES[package], Path(__file__).parent / SNAPSHOTS[package]
    lines = [line for name in sorted(module.__all__) for line in signature_of(name, getattr(module, name))]
    found = re.sub(r" at 0x[0-9a-f]+", "", "\n".join(lines) + "\n")
    if os.environ.get("ROLLOUT_UPDATE_GOLDEN"):
        snapshot.write_text(found)
    assert found == snapshot.read_text()


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package: str) -> None:
    """Names are imported when asked for; one that is not promised is refused as usual."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = PACKAGES[package].nothing
    assert set(dir(PACKAGES[package])) == set(PACKAGES[package].__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_import_is_cheap(package: str) -> None:
    """Importing the package imports no decoder: names come when they are asked for."""
    script = f"import sys, {package}; assert 'msgspec' not in sys.modules, sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_promised_name_is_explained(package: str) -> None:
    """A docstring for each class and function."""
    for name in PACKAGES[package].__all__:
        found = getattr(PACKAGES[package], name)
        if isinstance(found, type) or inspect.isfunction(found):
            assert found.__doc__, name
