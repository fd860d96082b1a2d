"""Say what happens to a thread, one line a step; the driver makes the client do it and waits.

Each step returns when the client has announced its end, so a script reads in the order in which
the records were written.
"""

from collections.abc import Callable
from pathlib import Path

from refclient.home import BASE_INSTRUCTIONS
from refclient.replies import Reply
from refclient.rpc import AppServer
from refclient.shapes import JsonObject


class Driver:
    """Steps on the threads of one home; not thread-safe."""

    def __init__(
        self,
        server: AppServer,
        workspace: Path,
        *,
        after_step: Callable[[str], None] = lambda _thread_id: None,
    ) -> None:
        """Drive `server`, with `workspace` as the working directory of new threads.

        `after_step` is called with the id of the thread whenever a step on its history has ended.
        """
        self.server = server
        self.endpoint = server.endpoint
        self.workspace = workspace
        self._after_step = after_step

    def start(self, history_mode: str) -> str:
        """Start a thread in mode `paginated` or `legacy`; return its id."""
        result = self.server.request(
            "thread/start",
            {
                "cwd": str(self.workspace),
                "baseInstructions": BASE_INSTRUCTIONS,
                "historyMode": history_mode,
            },
        )
        thread_id: str = result["thread"]["id"]
        return thread_id

    def turn(self, thread_id: str, text: str, *replies: Reply, **settings: object) -> str:
        """Run one turn to its end, whatever its status; return the turn's id."""
        turn_id, mark = self.begin_turn(thread_id, text, *replies, **settings)
        self._turn_end(thread_id, turn_id, mark)
        self._after_step(thread_id)
        return turn_id

    def interrupted_turn(self, thread_id: str, text: str, *replies: Reply) -> str:
        """Run one turn whose last reply hangs, and interrupt it there; return the turn's id."""
        asked = len(self.endpoint.requests) + len(replies) - 1
        turn_id, mark = self.begin_turn(thread_id, text, *replies)
        self.endpoint.wait_for_request(asked)
        self._wait_for_hanging_items(thread_id, replies[-1], mark)
        self.server.request("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
        self._turn_end(thread_id, turn_id, mark)
        self._after_step(thread_id)
        return turn_id

    def begin_turn(self, thread_id: str, text: str, *replies: Reply, **settings: object) -> tuple[str, int]:
        """Start a turn; return its id and the notification position before it."""
        self.endpoint.script(*replies)
        mark = self.server.mark()
        given: JsonObject = {"type": "text", "text": text}
        result = self.server.request("turn/start", {"threadId": thread_id, "input": [given], **settings})
        turn_id: str = result["turn"]["id"]
        return turn_id, mark

    def compact(self, thread_id: str, reply: Reply) -> None:
        """Compact the thread; `reply` is the summary the model gives."""
        self.endpoint.script(reply)
        mark = self.server.mark()
        self.server.request("thread/compact/start", {"threadId": thread_id})
        self.server.wait_for("turn/completed", mark, lambda params: params["threadId"] == thread_id)
        self._after_step(thread_id)

    def user_shell(self, thread_id: str, command: str) -> None:
        """Run a command as the user, outside the model's turns."""
        mark = self.server.mark()
        self.server.request("thread/shellCommand", {"threadId": thread_id, "command": command})
        self.server.wait_for("turn/completed", mark, lambda params: params["threadId"] == thread_id)
        self._after_step(thread_id)

    def fork(self, thread_id: str, **options: object) -> str:
        """Fork a thread, with the options of `thread/fork`; return the new id."""
        result = self.server.request("thread/fork", {"threadId": thread_id, **options})
        fork_id: str = result["thread"]["id"]
        self._after_step(fork_id)
        return fork_id

    def revert(self, thread_id: str, before_turn_id: str) -> None:
        """Take `before_turn_id` and everything after it out of a loaded thread."""
        self.server.request("thread/revert", {"threadId": thread_id, "beforeTurnId": before_turn_id})
        self._after_step(thread_id)

    def rename(self, thread_id: str, name: str) -> None:
        """Name a thread."""
        self.server.request("thread/name/set", {"threadId": thread_id, "name": name})

    def archive(self, thread_id: str) -> None:
        """Archive a thread; it is unloaded."""
        self.server.request("thread/archive", {"threadId": thread_id})

    def inject(self, thread_id: str, *items: JsonObject) -> None:
        """Append model items without a turn."""
        self.server.request("thread/inject_items", {"threadId": thread_id, "items": list(items)})
        self._after_step(thread_id)

    def _turn_end(self, thread_id: str, turn_id: str, mark: int) -> None:
        self.server.wait_for(
            "turn/completed",
            mark,
            lambda params: params["threadId"] == thread_id and params["turn"]["id"] == turn_id,
        )

    def _wait_for_hanging_items(self, thread_id: str, reply: Reply, mark: int) -> None:
        """Wait until the client has taken in what a hanging reply sent before it stalled."""
        if reply.items:
            self.server.wait_for(
                "item/completed",
                mark,
                lambda params: (
                    params["threadId"] == thread_id
                    and params["item"]["type"] in ("agentMessage", "reasoning")
                ),
            )
