"""A stand-in model endpoint on 127.0.0.1: scripted replies out, recorded requests in.

It answers the streaming "responses" interface and nothing else. Replies are taken from a queue in
the order of arrival; an empty queue answers `Noted.`, so that a probe needs no script. Every
request body is kept: its `input` array is the model history the client reconstructed.
"""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from refclient.replies import Reply, events, say
from refclient.shapes import JsonObject

WAIT_SECONDS = 30.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stand_in: "StandIn"


class StandIn:
    """The endpoint; a context manager. Thread-safe: the client calls it from its own process."""

    def __init__(self) -> None:
        """Bind a free port; nothing is answered before `__enter__`."""
        self._changed = threading.Condition()
        self._replies: deque[Reply] = deque()
        self._bodies: list[JsonObject] = []
        self._refusals: list[str] = []
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stand_in = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def base_url(self) -> str:
        """The address to put into a provider's `base_url`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def requests(self) -> list[JsonObject]:
        """Every request body so far, oldest first."""
        with self._changed:
            return list(self._bodies)

    @property
    def refusals(self) -> list[str]:
        """Request lines that were not understood and got a 404; empty in a sound run."""
        with self._changed:
            return list(self._refusals)

    @property
    def has_unused_replies(self) -> bool:
        """Whether the script is longer than what the client asked for."""
        with self._changed:
            return bool(self._replies)

    def script(self, *replies: Reply) -> None:
        """Queue replies; each answers one request."""
        with self._changed:
            self._replies.extend(replies)

    def wait_for_request(self, number: int, timeout_seconds: float = WAIT_SECONDS) -> JsonObject:
        """Return request body `number`, counted from 0, waiting for its arrival."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._bodies) > number, timeout_seconds):
                raise TimeoutError(f"stand-in: request {number} did not arrive, {len(self._bodies)} did")
            return self._bodies[number]

    def take(self, body: JsonObject) -> tuple[int, Reply]:
        """Record a request body; return its number and the reply to give."""
        with self._changed:
            self._bodies.append(body)
            self._changed.notify_all()
            reply = self._replies.popleft() if self._replies else say("Noted.")
            return len(self._bodies), reply

    def refuse(self, request_line: str) -> None:
        """Remember a request that was not understood."""
        with self._changed:
            self._refusals.append(request_line)

    def hold(self) -> None:
        """Block a hanging reply until the endpoint closes."""
        self._closing.wait()

    def __enter__(self) -> Self:
        """Start answering."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release hanging replies and stop."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection of the client."""

    server: _Server

    def do_POST(self) -> None:
        """Answer a model request with the next scripted reply."""
        content = self.rfile.read(int(self.headers.get("content-length", "0")))
        stand_in = self.server.stand_in
        if not self.path.endswith("/responses"):
            stand_in.refuse(self.requestline)
            self.send_error(404)
            return
        number, reply = stand_in.take(json.loads(content))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        try:
            for event in events(reply, number):
                line = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
                self.wfile.write(line.encode())
            self.wfile.flush()
            if reply.hangs:
                stand_in.hold()
        except (BrokenPipeError, ConnectionResetError):
            return  # an interrupted turn hangs up; that is the point of it

    def do_GET(self) -> None:
        """Refuse everything else, such as a model catalogue."""
        self.server.stand_in.refuse(self.requestline)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Stay silent; `requests` and `refusals` hold what happened."""
