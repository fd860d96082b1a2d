"""The tree of hand-made fixtures: written whole, with the checksum of every file, and compared."""

import shutil
import tempfile
from pathlib import Path

from refclient.provenance import PROVENANCE_NAME, checksums
from refclient.recording import write_json

from handmade.damaged_files import add_damaged_files
from handmade.damaged_lines import add_damaged_lines
from handmade.early import early_home
from handmade.homes import Home


def homes() -> list[Home]:
    """Return every hand-made home."""
    damaged = Home("damaged")
    add_damaged_lines(damaged)
    add_damaged_files(damaged)
    return [early_home(), damaged]


def write_tree(out: Path) -> None:
    """Write every home into `out`, replacing what is there."""
    made = homes()
    if out.exists():
        shutil.rmtree(out)
    for home in made:
        for name, content in home.files.items():
            path = out / home.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for thread_id, expected in home.expected.items():
            write_json(out / home.name / "expected" / f"{thread_id}.json", expected)
    abouts = {home.name: {key: value["about"] for key, value in home.expected.items()} for home in made}
    provenance = {"made_by": "tools/make_handmade.py", "homes": abouts, "files": checksums(out)}
    write_json(out / PROVENANCE_NAME, provenance)


def find_changes(out: Path) -> list[str]:
    """Return one line for each file that would be made differently; empty when the tree is as made."""
    with tempfile.TemporaryDirectory(prefix="rollout-handmade-") as folder:
        made = Path(folder) / "made"
        write_tree(made)
        wanted, present = _contents(made), _contents(out)
    return [
        *(f"missing: {name}" for name in sorted(wanted.keys() - present.keys())),
        *(f"not made: {name}" for name in sorted(present.keys() - wanted.keys())),
        *(
            f"differs: {name}"
            for name in sorted(wanted.keys() & present.keys())
            if wanted[name] != present[name]
        ),
    ]


def _contents(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }
