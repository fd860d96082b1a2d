"""The peers' own environments: pinned packages, installed once below the benchmark's build folder."""

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.peers_process import Contender

_PINS = Path(__file__).parent / "peers"
_INSTALL_SECONDS = 600
_OWN = {
    "rollout": "this project",
    "rollout compacted": "this project, compacted every 200 turns",
    "sqlite": "SQLite by hand",
    "lines": "a file of JSON lines",
}
"""What runs with our own interpreter."""
_PEERS = {
    "openai-agents": (
        "openai-agents",
        {"agents": "OpenAI Agents SQLiteSession", "agents advanced": "OpenAI Agents AdvancedSQLiteSession"},
    ),
    "langgraph": ("langgraph-checkpoint-sqlite", {"langgraph": "LangGraph SqliteSaver"}),
    "google-adk": ("google-adk", {"adk": "Google ADK SqliteSessionService"}),
    "agentfs": ("agentfs-sdk", {"agentfs": "AgentFS key-value store"}),
}


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
        _install(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(pins)]
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Peer(name, version, None, _reason(error))
    stamp.write_text(pins.read_text())
    return Peer(name, version, python)


def own_contenders() -> list[Contender]:
    """Return what needs no environment of its own."""
    return [Contender(name, title, sys.executable) for name, title in _OWN.items()]


def find_contenders(folder: Path, say: Callable[[str], None]) -> tuple[list[Contender], dict[str, str]]:
    """Return all that can be had, and why the others cannot, by title."""
    found = own_contenders()
    absent: dict[str, str] = {}
    for name, (package, titles) in _PEERS.items():
        say(f"peer: {name}")
        peer = find_peer(name, package, folder)
        if peer.python is None:
            absent |= dict.fromkeys(titles.values(), peer.absence)
        else:
            found += [
                Contender(subject, title, str(peer.python), is_own=False) for subject, title in titles.items()
            ]
    return found, absent


@dataclass(frozen=True)
class Tool:
    """A program of another language: where it is, or why it is not there; `version` is the pinned one."""

    version: str
    path: Path | None
    absence: str = ""


def find_npm_tool(name: str, folder: Path) -> Tool:
    """Return a program that npm installs, at its pinned version, installed when it is not there yet."""
    pins = _PINS / f"{name}.npm.json"
    version = f"{name} {json.loads(pins.read_text())['dependencies'][name]}"
    npm, home = shutil.which("npm"), folder / name
    program, stamp = home / "node_modules" / ".bin" / name, home / ".installed"
    if stamp.exists() and stamp.read_text() == pins.read_text() and shutil.which("node") is not None:
        return Tool(version, program)
    if npm is None:
        return Tool(version, None, "npm is not there")
    home.mkdir(parents=True, exist_ok=True)
    try:
        (home / "package.json").write_text(pins.read_text())
        _install([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(home)])
    except (OSError, subprocess.SubprocessError) as error:
        return Tool(version, None, _reason(error))
    stamp.write_text(pins.read_text())
    return Tool(version, program)


def _install(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS)


def _reason(error: Exception) -> str:
    words = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return words[-1] if words else type(error).__name__
