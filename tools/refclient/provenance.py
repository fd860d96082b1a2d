"""Checksums over the recorded tree, and their verification."""

import hashlib
import json
from pathlib import Path

from refclient.shapes import JsonObject

RECORDER_VERSION = 1
PROVENANCE_NAME = "PROVENANCE.json"


def checksums(out: Path) -> dict[str, str]:
    """Return `{path relative to out: SHA-256 in hex}` of every file but the provenance itself."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != PROVENANCE_NAME
    }


def find_differences(out: Path) -> list[str]:
    """Return one line per file that is missing, unknown or changed; empty when all is well."""
    provenance: JsonObject = json.loads((out / PROVENANCE_NAME).read_text(encoding="utf-8"))
    recorded: dict[str, str] = provenance["files"]
    present = checksums(out)
    return [
        *(f"missing: {name}" for name in sorted(recorded.keys() - present.keys())),
        *(f"not recorded: {name}" for name in sorted(present.keys() - recorded.keys())),
        *(
            f"changed: {name}"
            for name in sorted(recorded.keys() & present.keys())
            if recorded[name] != present[name]
        ),
    ]
