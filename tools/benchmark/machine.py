"""What a run was taken on: the machine, the versions, and how fast it was just then."""

import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

_MS = 1e3
_GIB = 1 << 30
_DEPENDENCIES = ("blake3", "click", "msgspec", "rich", "zstandard", "watchfiles", "websockets")
_STEPS = 60_000
_REPEATS = 7
_SYNCS = 25
_TURN = b"x" * 17_000


def machine(folder: Path) -> dict[str, Any]:
    """Return what stays the same from run to run: the machine, the disk of `folder`, versions."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "disk": _disk(folder),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        **{name: version for name in _DEPENDENCIES if (version := _version(name))},
        "commit": _commit(),
    }


def speed(folder: Path) -> dict[str, float]:
    """Return how fast the machine is now: a fixed piece of Python, a write and sync, and the load."""
    return {
        "python_ms": min(_python_ms() for _ in range(_REPEATS)),
        "sync_ms": statistics.median(_sync_ms(folder)),
        "load": round(os.getloadavg()[0], 2),
    }


def _python_ms() -> float:
    """Time what an interpreter does all day: calls, numbers, texts, a table."""
    begin = time.process_time()
    table: dict[str, int] = {}
    for number in range(_STEPS):
        key = f"{number % 997:04x}"
        table[key] = table.get(key, 0) + len(key) * number % 7
    sum(sorted(table.values()))
    return (time.process_time() - begin) * _MS


def _sync_ms(folder: Path) -> list[float]:
    """Time writes of a turn's bytes, each with its sync."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    with tempfile.NamedTemporaryFile(dir=folder, prefix="probe-") as file:
        for _ in range(_SYNCS):
            begin = time.perf_counter()
            os.write(file.fileno(), _TURN)
            os.fsync(file.fileno()) if sys.platform == "darwin" else os.fdatasync(file.fileno())
            samples.append((time.perf_counter() - begin) * _MS)
    return samples


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GIB, 1)
    except (OSError, ValueError):
        return None


def _disk(folder: Path) -> str:
    """Return the file system that holds a folder, and what the system says of the device below it."""
    mounts = Path("/proc/self/mountinfo")
    if not mounts.exists():
        return "unknown"
    number = next((one for one in (folder, *folder.parents) if one.exists()), Path("/")).stat().st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    for line in mounts.read_text().splitlines():
        left, _, right = line.partition(" - ")
        if left.split()[2] == device:
            return ", ".join((right.split()[0], *_device(device)))
    return "unknown"


def _device(device: str) -> list[str]:
    found = []
    for place in (Path(f"/sys/dev/block/{device}"), Path(f"/sys/dev/block/{device}").resolve().parent):
        if (place / "queue/rotational").exists():
            is_rotating = (place / "queue/rotational").read_text().strip() == "1"
            found.append("a rotating disk by its own account" if is_rotating else "no rotating disk")
            cache = place / "queue/write_cache"
            found += [f"{cache.read_text().strip()} cache"] if cache.exists() else []
            break
    return found


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str:
    def asked(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    commit = asked("rev-parse", "--short", "HEAD") or "unknown"
    is_changed = bool(asked("status", "--porcelain", "--untracked-files=no", "--", "rollout", "fork"))
    return f"{commit}, changed" if is_changed else commit
