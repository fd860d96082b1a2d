"""Clients that are wrong in how they come, stay and go: by the thousand, half, slowly, or never reading."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from hostility.lines import until_answered
from hostility.scale import Attack, Scale, tally
from hostility.servers import Listening, Pipes, Place, complaints, greeted, open_files, resident_bytes
from hostility.wires import HELLO, Frames, Local, Streams, Wire, answer_to, ask, greet, say
from hostility.worlds import World

_MIB: Final = 1 << 20
_MOST_LEFT_BYTES: Final = 64 << 20
"""What may be left of it when that client is gone."""
_KEPT_OPEN: Final = 40
"""Descriptors of threads that were read lately."""
_SETTLING_SECONDS: Final = 30.0
_MOST_WAITING_BYTES: Final = 384 << 20
"""What answers that nobody takes may cost: 256 MiB wait at most, and some is being made."""


def _settled(place: Place, wire: Wire, files: int) -> int:
    """Wait until a server holds as few files as before; return how many it holds."""
    ends_at = time.monotonic() + _SETTLING_SECONDS
    while (found := open_files(place.pid_of(wire))) > files and time.monotonic() < ends_at:
        time.sleep(0.05)
    return found


def _given_back(pid: int, wanted_bytes: int) -> int:
    """Wait until a process takes no more memory than wanted; return how much it takes."""
    ends_at = time.monotonic() + _SETTLING_SECONDS
    while (found := resident_bytes(pid)) > wanted_bytes and time.monotonic() < ends_at:
        time.sleep(0.05)
    return found


def half_messages(place: Place, scale: Scale) -> str:
    """Half of a message, then gone: at every length, with and without a word."""
    hello = json.dumps({"id": 1, "method": "initialize", "params": HELLO}).encode() + b"\n"
    whole = hello + json.dumps({"id": 2, "method": "thread/list", "params": {}}).encode() + b"\n"
    if isinstance(place, Pipes):
        lengths = range(1, len(whole), max(1, len(whole) // (4 + scale.halves // 200)))
        for length in lengths:
            wire = place.connect()
            assert isinstance(wire, Streams)
            wire.write_raw(whole[:length])
            place.leave(wire)  # and the server exits with status 0
        return f"exited with status 0 x {len(lengths)}"
    witness = greeted(place)
    files = open_files(place.pid_of(witness))
    for number in range(scale.halves):
        wire = place.connect()
        if isinstance(wire, Local):
            wire.write_raw(whole[: 1 + number % len(whole)])
            wire.reset() if number % 2 else wire.close()
        elif isinstance(wire, Frames):
            wire.write(whole[: 1 + number % len(whole)])
            wire.connection.socket.close() if number % 2 else wire.close()
    found = _settled(place, witness, files)
    assert found <= files + 1, f"{found - files} descriptors were left"
    place.leave(witness)
    return f"{scale.halves:,} came and went, no descriptor left"


def many(place: Place, scale: Scale) -> str:
    """A thousand connections at once, all greeted, all served, all gone."""
    count = scale.connections
    witness = greeted(place)
    files = open_files(place.pid_of(witness))
    wires = [place.connect() for _ in range(count)]
    for number, wire in enumerate(wires):
        say(wire, {"id": 1, "method": "initialize", "params": HELLO})
        target = place.world.threads[number % len(place.world.threads)]
        say(wire, {"id": 2, "method": "thread/turns/list", "params": {"threadId": target}})
    answers = [answer_to(wire, number) for wire in wires for number in (1, 2)]
    assert all("result" in one for one in answers)
    held = open_files(place.pid_of(witness)) - files
    for wire in wires:
        place.leave(wire)
    found = _settled(place, witness, files)
    assert found <= files + 40, (
        f"{found - files} descriptors were left"
    )  # threads that are kept open are files
    place.leave(witness)
    return f"{tally(answers)}; {held:,} descriptors, {found - files} left"


def no_descriptors(place: Place, scale: Scale) -> str:  # noqa: ARG001
    """More connections than the system lets it have: it lives, and serves once some are gone."""
    world = World(place.world.folder.parent / "few", large_turns=1)
    server = Listening(world, "unix", preexec="ulimit -n 80")
    try:
        wires = [Local(server.address.removeprefix("unix://")) for _ in range(200)]
        for wire in wires:
            wire.close()
        witness = greeted(server)
        answer = ask(witness, "thread/list")
        assert "result" in answer, answer
        server.leave(witness)
    finally:
        server.stop()
    assert not complaints(world), complaints(world)[:3]
    return f"{len(wires)} came; then {tally([answer])}"


def slow_reader(place: Place, scale: Scale) -> str:
    """Megabytes are asked for and none is taken: little waits, nobody else does, in the end it is let go."""
    wire = greeted(place)
    pid = place.pid_of(wire)
    before = resident_bytes(pid)
    request = {
        "id": 1,
        "method": "thread/items/list",
        "params": {"threadId": place.world.large, "limit": 100},
    }
    line = json.dumps(request).encode()

    def send() -> None:
        with suppress(OSError):
            for _ in range(2_000):
                wire.write(line)

    writer = threading.Thread(target=send, daemon=True)
    writer.start()
    most = before
    ends_at = time.monotonic() + max(1.0, scale.stall_seconds)
    slowest = 0.0
    other = greeted(place) if not isinstance(place, Pipes) else None
    while time.monotonic() < ends_at:
        most = max(most, resident_bytes(pid))
        if other is not None:
            begun = time.monotonic()
            assert "result" in ask(other, "thread/turns/list", threadId=place.world.threads[0])
            slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.1)
    grown = most - before
    assert grown < _MOST_WAITING_BYTES, f"{grown // _MIB} MiB waited for a client that takes nothing"
    ended = ""
    if scale.stall_seconds:
        assert _is_let_go(wire), "it was not let go"
        ended = "; let go"
    if other is not None:
        place.leave(other)
    with suppress(AssertionError):
        place.leave(wire)
    writer.join(5)
    if not isinstance(place, Pipes):
        left = _given_back(pid, before + _MOST_LEFT_BYTES) - before
        assert left <= _MOST_LEFT_BYTES, f"{left // _MIB} MiB were left by a client that is gone"
    return f"at most {grown // _MIB} MiB waited, others took {slowest * 1e3:.0f} ms at most{ended}"


def _is_let_go(wire: Wire) -> bool:
    with suppress(OSError, TimeoutError):
        while wire.hear(5) is not None:
            pass
        return True
    return False


def watches(place: Place, scale: Scale) -> str:
    """Watches without end, on every thread: bounded or cheap, and gone with the client."""
    wire = greeted(place)
    pid = place.pid_of(wire)
    ask(wire, "rollout/thread/watch", threadId=place.world.large)
    before = resident_bytes(pid)
    position = {"rolloutId": place.world.threads[0], "endOffset": 0}

    def send() -> None:
        for number in range(scale.watches):
            target = place.world.threads[number % len(place.world.threads)]
            params = {
                "threadId": target,
                **({"position": {**position, "rolloutId": target}} if number % 9 == 0 else {}),
            }
            with suppress(OSError):
                say(wire, {"id": number, "method": "rollout/thread/watch", "params": params})

    writer = threading.Thread(target=send, daemon=True)
    writer.start()
    answers: list[dict[str, Any]] = []
    while len(answers) < scale.watches:
        line = wire.hear()
        assert line is not None
        message = json.loads(line)
        if "method" not in message:
            answers.append(message)
    writer.join()
    grown = resident_bytes(pid) - before
    begun = time.monotonic()
    assert "result" in ask(wire, "thread/list")
    took = time.monotonic() - begun
    place.leave(wire)
    assert grown < 64 * _MIB, f"{grown // _MIB} MiB for {scale.watches} watches"
    return f"{tally(answers)}; {grown / _MIB:.0f} MiB; a list then took {took * 1e3:.0f} ms"


_HTTP: Final = (
    b"",
    b"\x00" * 1_000,
    b"GET / HTTP/1.1\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: short\r\n\r\n",
    b'{"id":1,"method":"initialize"}\n',
)
_UPGRADE: Final = (
    b"GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_FRAMES: Final = (
    b"\x81\x05hello",  # a client's frames have to be masked
    b"\x81\xff" + b"\xff" * 8 + b"mask",
    b"\x89\xfe\x01\x00mask" + b"x" * 256,  # a ping that is too long
    b"\x88\x81mask\x00",
    b"\xf1\x80mask",  # bits that nobody agreed on
    b"\x80\x80mask",  # goes on with nothing
    b"\x83\x80mask",  # a kind that there is not
    b"\x89\x80mask" * 20_000,
    b"\x01\x80mask" + b"\x00\x80mask" * 20_000,
)


def no_websockets(place: Place, scale: Scale) -> str:  # noqa: ARG001
    """Bytes that are no HTTP, half of it, pages of other sites, frames that break the rules."""
    address = urlsplit(place.address)  # type: ignore[attr-defined]  # a listening one
    where = (str(address.hostname), int(address.port or 0))
    local = f"127.0.0.1:{where[1]}".encode()
    heard: list[str] = []
    upgrades = [
        _UPGRADE % (local, b"Origin: https://evil.example\r\n"),
        _UPGRADE % (b"evil.example", b""),
        *(_UPGRADE % (local, b"") + one for one in _FRAMES),
    ]
    for content in (*_HTTP, *upgrades):
        with socket.create_connection(where, 5) as one, suppress(OSError):
            one.sendall(content)
            one.settimeout(0.3)
            status = b""
            with suppress(TimeoutError):
                status = one.recv(4096)
            heard.append(status.partition(b"\r\n")[0].decode("latin-1")[:40] or "closed or silent")
    assert heard[len(_HTTP)].startswith("HTTP/1.1 403")
    assert heard[len(_HTTP) + 1].startswith("HTTP/1.1 403")
    return tally(heard)


def plain(place: Place) -> None:
    """Be a plain client, served as ever; nothing to see where each client has a server of its own."""
    if isinstance(place, Pipes):
        return
    wire = greet(place.connect())
    found = ask(wire, "thread/list", limit=100)["result"]["data"]
    listed = {one["id"] for one in found}
    assert {*place.world.threads, place.world.large} <= listed, "threads are missing"
    for target in place.world.threads:
        page = ask(wire, "thread/turns/list", threadId=target, limit=100)["result"]["data"]
        assert [turn["id"] for turn in page] == place.world.turns[target]
    assert until_answered(wire) == []
    place.leave(wire)


def can_hold(count: int) -> bool:
    """Tell whether this process and its children may open so many files."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < count:
        return False
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (max(count, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), most)
    )
    return True


CROWDS: Final = (
    Attack("half messages, then gone", half_messages),
    Attack("a thousand connections", many, ("unix", "ws")),
    Attack("more than the system allows", no_descriptors, ("unix",)),
    Attack("a client that never reads", slow_reader),
    Attack("watches without end", watches),
    Attack("no HTTP, no websocket", no_websockets, ("ws",)),
)
