"""The server under attack: the real process, over each of its transports, and what it takes meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Final, Protocol

from hostility.wires import WAIT_SECONDS, Frames, Local, Streams, Wire, greet
from hostility.worlds import World

_COMPLAINTS: Final = ("Traceback", "Fatal", "Exception", "never retrieved", "never awaited")


class Place(Protocol):
    """Where a client comes to a server."""

    name: str
    world: World

    def connect(self) -> Wire:
        """Return a connection that nobody has said anything on."""

    def leave(self, wire: Wire) -> None:
        """Let go of a connection."""

    def pid_of(self, wire: Wire) -> int:
        """Return the process behind a connection."""

    def stop(self) -> None:
        """End what was started."""


class Process:
    """A server's process; what it says to people is kept."""

    def __init__(self, world: World, *arguments: str, preexec: str = "") -> None:
        self.world = world
        command = [sys.executable, "-W", "error", "-m", "rollout", "--home", str(world.home), "app-server"]
        if preexec:
            command = ["/bin/sh", "-c", f'{preexec}; exec "$@"', "sh", *command]
        self._words = open(world.folder.parent / f"{world.folder.name}.stderr", "ab")  # noqa: SIM115, PTH123
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words if not arguments else subprocess.PIPE,
            env=world.environment,
            cwd=world.folder / "work",
        )

    def wait(self) -> int:
        """Wait for its end, and return its status."""
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self._words.close()
        return self.process.wait(WAIT_SECONDS)


class Pipes:
    """A process for each connection."""

    name = "stdio"

    def __init__(self, world: World) -> None:
        self.world = world
        self._processes: dict[int, Process] = {}

    def connect(self) -> Wire:
        """Start a server."""
        made = Process(self.world)
        assert made.process.stdin is not None
        assert made.process.stdout is not None
        wire = Streams(os.dup(made.process.stdin.fileno()), os.dup(made.process.stdout.fileno()))
        made.process.stdin.close()
        made.process.stdout.close()
        self._processes[id(wire)] = made
        return wire

    def leave(self, wire: Wire) -> None:
        """End its input: the server must end by itself."""
        wire.close()
        status = self._processes.pop(id(wire)).wait()
        assert status == 0, f"the server exited with status {status}"

    def pid_of(self, wire: Wire) -> int:
        """Return its process."""
        return self._processes[id(wire)].process.pid

    def stop(self) -> None:
        """Kill what an attack that failed has left."""
        for one in self._processes.values():
            one.process.kill()
            one.wait()


class Listening:
    """One process for all connections, over a local socket or websockets."""

    def __init__(self, world: World, name: str, preexec: str = "") -> None:
        self.world = world
        self.name = name
        where = f"unix://{world.folder}/s" if name == "unix" else "ws://127.0.0.1:0"
        self._server = Process(world, "--listen", where, preexec=preexec)
        assert self._server.process.stderr is not None
        said = self._server.process.stderr.readline().decode()
        if "listening on" not in said:
            words = said + self._server.process.stderr.read().decode()
            self._server.wait()
            raise AssertionError(f"the server did not start: {words}")
        self.address = said.split()[-1]
        self._words = _drain(self._server.process.stderr.fileno(), world)

    def connect(self) -> Wire:
        """Connect."""
        if self.name == "unix":
            return Local(self.address.removeprefix("unix://"))
        return Frames(self.address)

    def leave(self, wire: Wire) -> None:
        """Disconnect."""
        wire.close()

    def pid_of(self, wire: Wire | None = None) -> int:  # noqa: ARG002
        """Return the process."""
        return self._server.process.pid

    def stop(self) -> None:
        """Tell it to stop: it must, by itself and at once."""
        self._server.process.send_signal(signal.SIGTERM)
        try:
            status = self._server.process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.process.kill()
            status = self._server.process.wait()
        self._words.join()
        self._server.wait()
        assert status == 0, f"told to stop, the server over {self.name} exited with status {status}"


def _drain(stderr: int, world: World) -> Thread:
    """Keep what a server says to people, so that it never waits for somebody to read it."""

    def run() -> None:
        with open(world.folder.parent / f"{world.folder.name}.stderr", "ab") as kept:  # noqa: PTH123
            while content := os.read(stderr, 1 << 16):
                kept.write(content)

    thread = Thread(target=run, daemon=True)
    thread.start()
    return thread


@contextmanager
def places(world: World, names: list[str]) -> Iterator[list[Place]]:
    """Run a server over each transport."""
    with ExitStack() as started:
        made: list[Place] = []
        for name in names:
            made.append(Pipes(world) if name == "stdio" else Listening(world, name))
            started.callback(made[-1].stop)
        yield made


def complaints(world: World) -> list[str]:
    """Return what servers said to people that sounds like a fault of theirs."""
    words = Path(f"{world.folder}.stderr")
    found = words.read_text(errors="replace").splitlines() if words.exists() else []
    return [line for line in found if any(one in line for one in _COMPLAINTS)]


def resident_bytes(pid: int) -> int:
    """Return how much memory a process takes now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files(pid: int) -> int:
    """Return how many descriptors a process holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208


def greeted(place: Place) -> Wire:
    """Return a connection that has shaken hands."""
    return greet(place.connect())
