"""One running `app-server` of the reference client, and how to talk to it.

The process gets a home of its own and the stand-in as its only model provider. Requests return
their result or raise `RefusalError`; waiting is by notification with a bounded timeout, never by sleep.
"""

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from refclient.endpoint import WAIT_SECONDS, StandIn
from refclient.home import environment, write_config
from refclient.install import Client
from refclient.shapes import JsonObject

CLIENT_NAME = "rollout_fixtures"


class RefusalError(Exception):
    """The server answered with an error object."""

    def __init__(self, method: str, error: JsonObject) -> None:
        """Keep the method and the error's code and message."""
        super().__init__(f"{method}: {error.get('code')} {error.get('message')}")
        self.method = method
        self.code = error.get("code")
        self.message = str(error.get("message"))


class AppServer:
    """A context manager around the process.

    with StandIn() as endpoint, AppServer(client, home, endpoint) as server:
        server.request("thread/resume", {"threadId": thread_id})

    Writes `config.toml` into `home`. Leaving closes the server's input and waits for its end, so
    that every file is complete afterwards.
    """

    def __init__(
        self, client: Client, home: Path, endpoint: StandIn, *, features: tuple[str, ...] = ()
    ) -> None:
        """Remember what to start, with extra `features` on; nothing runs before `__enter__`."""
        self.home = home
        self.endpoint = endpoint
        self._client = client
        self._features = features
        self._changed = threading.Condition()
        self._answers: dict[int, JsonObject] = {}
        self._notifications: list[JsonObject] = []
        self._next_id = 0
        self._has_ended = False

    def __enter__(self) -> Self:
        """Write the configuration, start the process and shake hands."""
        self.home.mkdir(parents=True, exist_ok=True)
        write_config(self.home, self.endpoint.base_url, self._features)
        self._errors = (self.home / "app-server.stderr").open("wb")
        self._process = subprocess.Popen(
            [str(self._client.binary), "app-server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(self.home),
            cwd=self.home,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.request(
                "initialize",
                {
                    "clientInfo": {"name": CLIENT_NAME, "version": "1"},
                    "capabilities": {"experimentalApi": True},
                },
            )
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self._send({"method": "initialized"})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the server by closing its input; kill it if it does not go."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def request(self, method: str, params: JsonObject, timeout_seconds: float = WAIT_SECONDS) -> JsonObject:
        """Return the result of one request; raise RefusalError or TimeoutError."""
        with self._changed:
            self._next_id += 1
            number = self._next_id
        self._send({"id": number, "method": method, "params": params})
        with self._changed:
            if not self._changed.wait_for(
                lambda: number in self._answers or self._has_ended, timeout_seconds
            ):
                raise TimeoutError(f"{method}: no answer within {timeout_seconds} s")
            answer = self._answers.pop(number, None)
        if answer is None:
            raise ConnectionError(f"{method}: the server ended; see {self._errors.name}")
        if "error" in answer:
            raise RefusalError(method, answer["error"])
        result: JsonObject = answer["result"]
        return result

    def mark(self) -> int:
        """Return a position in the notifications: everything so far lies before it."""
        with self._changed:
            return len(self._notifications)

    def notifications(self, start: int = 0) -> list[JsonObject]:
        """Return the notifications from position `start` on."""
        with self._changed:
            return self._notifications[start:]

    def wait_for(
        self,
        method: str,
        start: int,
        accepts: Callable[[JsonObject], bool] = lambda _params: True,
        timeout_seconds: float = WAIT_SECONDS,
    ) -> JsonObject:
        """Return the params of the first matching notification at or after position `start`."""

        def found() -> JsonObject | None:
            for note in self._notifications[start:]:
                if note["method"] == method and accepts(note.get("params", {})):
                    params: JsonObject = note.get("params", {})
                    return params
            return None

        with self._changed:
            self._changed.wait_for(lambda: found() is not None or self._has_ended, timeout_seconds)
            params = found()
            if params is None:
                seen = [note["method"] for note in self._notifications[start:]]
                raise TimeoutError(f"{method}: not seen within {timeout_seconds} s, only {seen}")
            return params

    def _send(self, value: JsonObject) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value).encode() + b"\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        """Sort every line the server sends; runs on its own thread until the output ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            value: JsonObject = json.loads(line)
            if "method" in value and "id" in value:
                # A question to the user: our policy asks none, so a refusal shows the mistake.
                error = {"code": -32601, "message": "the recorder answers no questions"}
                self._send({"id": value["id"], "error": error})
                continue
            with self._changed:
                if "method" in value:
                    self._notifications.append(value)
                else:
                    self._answers[value["id"]] = value
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()
