"""Producer keys: which sources produce which domain's rows, and the key that follows from their text.

Whatever nobody names belongs to every domain, so a file that is new, or was forgotten here, can only
cost a needless rebuild, never leave rows of another producer in place. Sources that one domain alone
is made by move that domain's key alone. The keys are generated: `tools/catalog_keys` writes `keys.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final

PACKAGES: Final = (
    *("format/*", "log/*", "replay/*", "turns/*", "catalog/*", "ids.py"),
    *(f"store/{name}.py" for name in ("summary", "described", "places", "opening")),
)
"""Where rows come from, below the package `rollout`."""

NOT_PRODUCING: Final = (
    # the storage layer: it has a schema version of its own, and asks for rows or hands them out
    *(
        f"catalog/{name}.py"
        for name in ("__init__", "catalog", "database", "keys", "plan", "query", "recent", "refresh")
    ),
    *(
        f"catalog/{name}.py"
        for name in ("registry", "schema", "settle", "sources", "stats", "turn_places", "walk")
    ),
    # writers
    *(
        f"log/{name}.py"
        for name in ("lease", "writer", "quarantine", "names", "spawns", "seal", "tail", "current", "anchor")
    ),
    "format/encoding.py",
    "turns/recorded.py",
    "turns/paging.py",
    # what a resume reads
    *(
        f"replay/{name}.py"
        for name in ("checkpoint", "foundation", "context", "reading", "scan", "positions")
    ),
    *(f"replay/{name}.py" for name in ("world", "sealed", "history", "usage", "turn_search")),
    "catalog/facts*",
    "log/facts*",
    "log/side_log.py",
)

OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "threads": (),
    "turns": ("catalog/turn_index.py", "catalog/turn_order.py"),
    "search": ("catalog/search*",),
    "usage": ("catalog/usage*",),
    "spawn": ("catalog/spawn*",),
    "spoken": ("catalog/spoken*",),
}
"""Sources that one domain alone is made by. `threads` has none: its key is that of what all share."""


def key_of(domain: str, texts: Mapping[str, bytes]) -> str:
    """Return the key of a domain, 16 hexadecimal digits, from all sources by path below the package."""
    digest = sha256()
    for path in sorted(path for path in texts if _produces(path, domain)):
        digest.update(f"{path}\n{len(texts[path])}\n".encode())
        digest.update(texts[path])
    return digest.hexdigest()[:16]


def _produces(path: str, domain: str) -> bool:
    if not _matches(path, PACKAGES) or _matches(path, NOT_PRODUCING):
        return False
    owners = [owner for owner, patterns in OWN.items() if _matches(path, patterns)]
    return not owners or domain in owners


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
