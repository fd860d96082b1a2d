"""The peers' own environments: pinned packages, installed once below the benchmark's build folder."""

import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

_PINS = Path(__file__).parent / "peers"
_INSTALL_SECONDS = 600


@dataclass(frozen=True)
class Peer:
    """A peer: the interpreter that has it, or why there is none; `version` is the pinned one."""

    name: str
    version: str
    python: Path | None
    absence: str = ""


def find_peer(name: str, package: str, folder: Path) -> Peer:
    """Return a peer, installed when it is not there yet from the versions pinned for it."""
    pins = _PINS / f"{name}.txt"
    version = next(line for line in pins.read_text().splitlines() if line.startswith(f"{package}=="))
    home = folder / name
    python, stamp = home / "bin" / "python", home / ".installed"
    if stamp.exists() and stamp.read_text() == pins.read_text():
        return Peer(name, version, python)
    try:
        if not python.exists():
            venv.create(home, with_pip=True)
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
            str(pins),
        ]
        subprocess.run(install, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        words = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        return Peer(name, version, None, words[-1] if words else type(error).__name__)
    stamp.write_text(pins.read_text())
    return Peer(name, version, python)
