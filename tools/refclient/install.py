"""Find, or try to install, the released binaries of the reference client.

Where they come from is left to the package managers' own configuration. A release that cannot be
had is reported with its reason, so that a test can skip by name and say why.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

BINARY_VARIABLE = "ROLLOUT_REFERENCE_CLIENT"
NPM_PACKAGE = "@openai/codex"
NPM_VERSION = "0.169.0"
WHEEL_PACKAGE = "openai-codex-cli-bin"
WHEEL_VERSION = "0.163.0"
INSTALL_SECONDS = 600.0


@dataclass(frozen=True)
class Client:
    """A runnable release: where it came from, what it calls itself, its executable."""

    name: str
    version: str
    binary: Path


@dataclass(frozen=True)
class Missing:
    """A release that could not be had, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Failure:
    """Why a command did not succeed."""

    reason: str


@dataclass(frozen=True)
class Found:
    """What a search brought: newest release first, and the reasons for the rest."""

    clients: tuple[Client, ...]
    missing: tuple[Missing, ...]


def find_clients(cache_dir: Path, *, may_install: bool = True) -> Found:
    """Return the clients that can be run here.

    `ROLLOUT_REFERENCE_CLIENT`, a path of a binary, wins and is then the only candidate. Otherwise
    releases under `cache_dir` are used, and missing ones are installed there if `may_install`.
    """
    explicit = os.environ.get(BINARY_VARIABLE)
    if explicit:
        outcomes = [client_at(Path(explicit))]
    else:
        outcomes = [
            _from_npm(cache_dir / "npm", may_install=may_install),
            _from_wheel(cache_dir / "wheel", may_install=may_install),
        ]
    return Found(
        clients=tuple(outcome for outcome in outcomes if isinstance(outcome, Client)),
        missing=tuple(outcome for outcome in outcomes if isinstance(outcome, Missing)),
    )


def client_at(binary: Path, name: str | None = None) -> Client | Missing:
    """Return the client behind an executable, after asking it for its version."""
    name = name or str(binary)
    if not binary.is_file():
        return Missing(name, f"no such file: {binary}")
    output = _run([str(binary), "--version"])
    if isinstance(output, Failure):
        return Missing(name, output.reason)
    return Client(name, output.split()[-1], binary.resolve())


def _from_npm(prefix: Path, *, may_install: bool) -> Client | Missing:
    name = f"{NPM_PACKAGE}@{NPM_VERSION}"
    binary = _npm_binary(prefix)
    if binary is None:
        if not may_install:
            return Missing(name, f"not installed under {prefix}")
        npm = shutil.which("npm")
        if npm is None:
            return Missing(name, "npm is not installed")
        prefix.mkdir(parents=True, exist_ok=True)
        output = _run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(prefix), name])
        if isinstance(output, Failure):
            return Missing(name, output.reason)
        binary = _npm_binary(prefix)
        if binary is None:
            return Missing(name, "the package holds no executable for this platform")
    return client_at(binary, name)


def _npm_binary(prefix: Path) -> Path | None:
    """Return the native executable: npm itself only links a launcher script."""
    pattern = "node_modules/@openai/codex-*/vendor/*/bin/codex"
    return next(iter(sorted(prefix.glob(pattern))), None)


def _from_wheel(folder: Path, *, may_install: bool) -> Client | Missing:
    name = f"{WHEEL_PACKAGE}=={WHEEL_VERSION}"
    unpacked = folder / "unpacked"
    binary = unpacked / "codex_cli_bin" / "bin" / "codex"
    if not binary.is_file():
        wheel = next(iter(sorted(folder.glob("*.whl"))), None)
        if wheel is None:
            if not may_install:
                return Missing(name, f"not installed under {folder}")
            pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
            output = _run([*pip, "--dest", str(folder), name])
            if isinstance(output, Failure):
                return Missing(name, output.reason)
            wheel = next(iter(sorted(folder.glob("*.whl"))), None)
        if wheel is None:
            return Missing(name, "the download left no wheel")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked)
        binary.chmod(0o755)
    return client_at(binary, name)


def _run(command: list[str]) -> str | Failure:
    """Return the standard output of a command, or why it did not succeed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Failure(f"{command[0]}: {error}")
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        return Failure(f"{command[0]}: status {done.returncode}: {lines[-1]}")
    return done.stdout
