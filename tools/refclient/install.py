"""Find, or try to install, the released binaries of the reference client.

Where they come from is left to the package managers' own configuration. A release that cannot be
had within the time allowed is reported with its reason, so that a test can skip by name and say why.
An installation is published whole or not at all: what a killed run left behind is never found.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BINARY_VARIABLE = "ROLLOUT_REFERENCE_CLIENT"
NPM_PACKAGE = "@openai/codex"
NPM_VERSION = "0.169.0"
WHEEL_PACKAGE = "openai-codex-cli-bin"
WHEEL_VERSION = "0.163.0"
INSTALL_SECONDS = 120.0


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


@dataclass(frozen=True)
class Deadline:
    """The moment at which a search gives up, on the monotonic clock."""

    at_seconds: float

    @property
    def left_seconds(self) -> float:
        """How long there still is; not positive when the time is over."""
        return self.at_seconds - time.monotonic()


@dataclass(frozen=True)
class _Release:
    """A package that holds a client, and how to get at it."""

    name: str
    folder: str
    pattern: str
    fetch: Callable[[str, Path, Deadline], Failure | None]


def release_names() -> tuple[str, ...]:
    """Return the names of the candidates, newest first; nothing is looked for."""
    explicit = os.environ.get(BINARY_VARIABLE)
    return (explicit,) if explicit else tuple(release.name for release in _RELEASES)


def find_clients(
    cache_dir: Path, *, may_install: bool = True, limit_seconds: float = INSTALL_SECONDS
) -> Found:
    """Return the clients that can be run here.

    `ROLLOUT_REFERENCE_CLIENT`, a path of a binary, wins and is then the only candidate. Otherwise
    releases under `cache_dir` are used, and missing ones are installed there if `may_install`.
    All of it together takes no longer than `limit_seconds`.
    """
    deadline = Deadline(time.monotonic() + limit_seconds)
    explicit = os.environ.get(BINARY_VARIABLE)
    if explicit:
        outcomes = [client_at(Path(explicit), deadline=deadline)]
    else:
        outcomes = [_cached(release, cache_dir, deadline, may_install) for release in _RELEASES]
    return Found(
        clients=tuple(outcome for outcome in outcomes if isinstance(outcome, Client)),
        missing=tuple(outcome for outcome in outcomes if isinstance(outcome, Missing)),
    )


def client_at(binary: Path, name: str | None = None, *, deadline: Deadline | None = None) -> Client | Missing:
    """Return the client behind an executable, after asking it for its version."""
    name = name or str(binary)
    if not binary.is_file():
        return Missing(name, f"no such file: {binary}")
    output = _run([str(binary), "--version"], deadline or Deadline(time.monotonic() + INSTALL_SECONDS))
    if isinstance(output, Failure):
        return Missing(name, output.reason)
    return Client(name, output.split()[-1], binary.resolve())


def _cached(release: _Release, cache_dir: Path, deadline: Deadline, may_install: bool) -> Client | Missing:
    """Return the client of a release from the cache, after putting it there if that is allowed."""
    folder = cache_dir / release.folder
    if not folder.is_dir():
        if not may_install:
            return Missing(release.name, f"not installed under {cache_dir}")
        failure = _publish(release, folder, deadline)
        if failure is not None:
            return Missing(release.name, failure.reason)
    binary = next(iter(sorted(folder.glob(release.pattern))), None)
    if binary is None:
        return Missing(release.name, "the package holds no executable for this platform")
    return client_at(binary, release.name, deadline=deadline)


def _publish(release: _Release, folder: Path, deadline: Deadline) -> Failure | None:
    """Fetch a release into scratch space beside `folder`, then give it its name."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder.parent) as scratch:
        content = Path(scratch) / "content"
        content.mkdir()
        failure = release.fetch(release.name, content, deadline)
        if failure is not None:
            return failure
        try:
            content.rename(folder)
        except OSError as error:
            if not folder.is_dir():  # otherwise another run was first, and its copy serves as well
                return Failure(f"{folder}: {error}")
    return None


def _fetch_with_npm(name: str, folder: Path, deadline: Deadline) -> Failure | None:
    npm = shutil.which("npm")
    if npm is None:
        return Failure("npm is not installed")
    output = _run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), name], deadline)
    return output if isinstance(output, Failure) else None


def _fetch_with_pip(name: str, folder: Path, deadline: Deadline) -> Failure | None:
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
    output = _run([*pip, "--dest", str(folder), name], deadline)
    if isinstance(output, Failure):
        return output
    wheel = next(iter(sorted(folder.glob("*.whl"))), None)
    if wheel is None:
        return Failure("the download left no wheel")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    wheel.unlink()
    for binary in folder.glob("codex_cli_bin/bin/*"):
        binary.chmod(0o755)  # unpacking a wheel this way loses the permission to run
    return None


def _run(command: list[str], deadline: Deadline) -> str | Failure:
    """Return the standard output of a command, or why it did not succeed in time.

    The command and whatever it started are killed at the deadline.
    """
    if deadline.left_seconds <= 0:
        return Failure(f"{command[0]}: not tried, the time for finding clients is over")
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        return Failure(f"{command[0]}: {error}")
    with process:
        try:
            output, errors = process.communicate(timeout=deadline.left_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return Failure(f"{command[0]}: not finished in the time for finding clients")
    if process.returncode != 0:
        lines = [line for line in errors.splitlines() if line.strip()] or ["no message"]
        return Failure(f"{command[0]}: status {process.returncode}: {lines[-1]}")
    return output


# The launcher that npm links is a script; the native executable lies in the platform's own package.
_RELEASES = (
    _Release(
        f"{NPM_PACKAGE}@{NPM_VERSION}",
        f"npm-{NPM_VERSION}",
        "node_modules/@openai/codex-*/vendor/*/bin/codex",
        _fetch_with_npm,
    ),
    _Release(
        f"{WHEEL_PACKAGE}=={WHEEL_VERSION}",
        f"wheel-{WHEEL_VERSION}",
        "codex_cli_bin/bin/codex",
        _fetch_with_pip,
    ),
)
