"""The recorded homes as the fuzzer starts from them: paths and bytes, unpacked where they were packed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import zstandard
from msgspec import Struct

from rollout.log.layout import base_name, find_name

FIXTURES = Path(__file__).parents[2] / "fixtures"
HOME = "/home"


class Home(Struct, frozen=True):
    """A home by name; paths are absolute, content is unpacked, `is_packed` says how it is stored."""

    name: str
    files: dict[str, bytes]
    is_packed: bool


@cache
def load_homes() -> list[Home]:
    """Return every home under `fixtures/`, in order of name."""
    folders = {path.parent for path in FIXTURES.glob("*/*/sessions")}
    return [home for home in map(_load, sorted(folders)) if home.files]


def _load(folder: Path) -> Home:
    files: dict[str, bytes] = {}
    is_packed = False
    for path in sorted(folder.rglob("rollout-*.jsonl*")):
        content = path.read_bytes()
        name = f"{HOME}/{path.relative_to(folder).as_posix()}"
        if name.endswith(".zst"):
            is_packed = True
            name = name.removesuffix(".zst")
            try:
                content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
            except zstandard.ZstdError:
                continue  # damaged on purpose
        if find_name(base_name(name)) is not None and content:
            files[name] = content
    return Home(folder.name, files, is_packed)
