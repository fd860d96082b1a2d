"""LangGraph: a graph of one node over messages, with `SqliteSaver` by its defaults."""

import json
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmark.peers_subject import ITEMS_A_TURN, PAGE, Item, Subject, text_of

_MAIN = "main"
_NODE = "agent"


class Graph(Subject):
    """Checkpoints of the whole state; the one that ends each turn is remembered beside the database."""

    most_threads = 1_000

    def __init__(self, folder: Path) -> None:
        """Use a database in `folder`."""
        self._path = folder / "checkpoints.db"
        self._heads_path = folder / "heads"
        self.note = (
            f"langgraph-checkpoint-sqlite {version('langgraph-checkpoint-sqlite')}, WAL, synchronous=FULL; "
            "writes its whole state at every step; filled a hundred turns a step, which favours it; no pages"
        )

    def open(self) -> None:
        from langgraph.checkpoint.sqlite import SqliteSaver  # type: ignore[import-not-found]
        from langgraph.graph import END, START, MessagesState, StateGraph  # type: ignore[import-not-found]

        self._connection = sqlite3.connect(self._path, check_same_thread=False)
        self._saver = SqliteSaver(self._connection)
        graph = StateGraph(MessagesState)
        graph.add_node(_NODE, lambda _: {"messages": self._answer})
        graph.add_edge(START, _NODE)
        graph.add_edge(_NODE, END)
        self._graph = graph.compile(checkpointer=self._saver)
        self._answer: list[Any] = []
        self._heads: dict[int, str] = {}
        if self._heads_path.exists():
            self._heads = {int(key): head for key, head in json.loads(self._heads_path.read_text()).items()}

    def _at(self, head: str | None, thread: str = _MAIN) -> dict[str, Any]:
        where = {"thread_id": thread, "checkpoint_ns": ""}
        return {"configurable": where if head is None else where | {"checkpoint_id": head}}

    def _head(self) -> str | None:
        return self._heads[max(self._heads)] if self._heads else None

    def fill(self, turns: list[list[Item]]) -> None:
        step = max(1, min(100, len(turns) // 2))
        for first in range(0, len(turns), step):
            some = turns[first : first + step]
            messages = [message for items in some for message in self.prepare(items)]
            made = self._graph.update_state(self._at(self._head()), {"messages": messages}, as_node=_NODE)
            self._keep_head(made["configurable"]["checkpoint_id"], len(some))

    def _keep_head(self, head: str, turns: int) -> None:
        self._heads[max(self._heads, default=0) + turns] = head
        self._heads_path.write_text(json.dumps(self._heads))

    def prepare(self, items: list[Item]) -> list[Any]:
        from langchain_core.messages import AIMessage, HumanMessage, ToolMessage  # type: ignore[import-not-found]

        found: list[Any] = []
        for item in items:
            if item["type"] == "function_call":
                call = {
                    "name": item["name"],
                    "args": json.loads(item["arguments"]),
                    "id": item["call_id"],
                }
                found.append(AIMessage("", tool_calls=[call]))
            elif item["type"] == "function_call_output":
                found.append(ToolMessage(item["output"], tool_call_id=item["call_id"]))
            else:
                kind = HumanMessage if item["role"] == "user" else AIMessage
                found.append(kind(text_of(item)))
        return found

    def append(self, prepared: list[Any]) -> None:
        self._answer = prepared[1:]
        self._graph.invoke({"messages": prepared[:1]}, self._at(self._head()))
        # Finding it through the history of states would decode each of them.
        query = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?"
        self._keep_head(self._connection.execute(query, (_MAIN,)).fetchone()[0], 1)

    def resume(self) -> list[Any]:
        return self.of_fork(self._head())

    def newest(self) -> list[Any]:
        return self.resume()[-PAGE * ITEMS_A_TURN :]

    def middle(self, place: str) -> list[Any]:
        first = int(place) * ITEMS_A_TURN
        return self.resume()[first : first + PAGE * ITEMS_A_TURN]

    def fork(self, place: str | None) -> str:
        head = self._head() if place is None else self._heads[int(place)]
        made = self._graph.update_state(self._at(head), {"messages": []}, as_node=_NODE)
        fork: str = made["configurable"]["checkpoint_id"]
        return fork

    def of_fork(self, fork: str | None) -> list[Any]:
        found: list[Any] = self._graph.get_state(self._at(fork)).values.get("messages", [])
        return found

    def texts(self, found: list[Any]) -> list[str]:
        return [
            message.tool_calls[0]["args"]["cmd"] if getattr(message, "tool_calls", None) else message.content
            for message in found
        ]

    def add_threads(self, threads: list[list[Item]]) -> None:
        for number, items in enumerate(threads):
            where = self._at(None, f"thread-{number}")
            self._graph.update_state(where, {"messages": self.prepare(items)}, as_node=_NODE)

    def list_newest(self) -> list[str]:
        titles: dict[str, str] = {}
        for found in self._saver.list(None):
            thread = found.config["configurable"]["thread_id"]
            if thread not in titles:
                request = found.checkpoint["channel_values"]["messages"][0].content
                titles[thread] = request.partition("\n")[0].strip()[:100]
            if len(titles) == PAGE:
                break
        return list(titles.values())

    def close(self) -> None:
        self._connection.close()
