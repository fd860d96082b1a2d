"""This project's store, as an application would use it; and the same with a thread that is compacted."""

import json
from pathlib import Path
from typing import Any

import rollout
from benchmark.peers_subject import ITEMS_A_TURN, PAGE, Item, Subject, text_of

_MAIN = "compared"
_COMPACTED_EVERY = 200
_WALK = 100


class Rollout(Subject):
    """A store that stays open, and the recorder of its one long thread."""

    compacts_at = -1
    """Which turn of every two hundred is followed by a compaction; -1 for none."""

    def __init__(self, folder: Path) -> None:
        """Use a home in `folder`."""
        self._home = folder / "home"
        self._recorder: rollout.Recorder | None = None
        self._filled = 0
        self._is_new = False
        self.note = "every line judged, every seal verified"

    def open(self) -> None:
        is_new = not self._home.exists()
        self._home.mkdir(exist_ok=True)
        self._store = rollout.open_store(self._home)
        if is_new:
            with self._store.create_thread(cwd="/work", model="m", name=_MAIN) as thread:
                (self._home / "compared").write_text(thread.id)
        self._id = (self._home / "compared").read_text()

    def fill(self, turns: list[list[Item]]) -> None:
        with self._store.record(self._id, durability="none") as recorder:
            for items in turns:
                recorder.turn(items=items).complete()
                self._filled += 1
                if self._filled % _COMPACTED_EVERY == self.compacts_at:
                    recorder.compact([SUMMARY], message="What was done so far.")
        self._is_new = True

    def append(self, prepared: list[Item]) -> None:
        if self._recorder is None:
            self._recorder = self._store.record(self._id)
        self._recorder.append_turn(items=prepared)

    def resume(self) -> Any:
        return json.loads(self._store.resume(self._id).input_json())

    def resume_json(self) -> bytes:
        return bytes(self._store.resume(self._id).input_json())

    def newest(self) -> list[rollout.Turn]:
        return self._store.turns(self._id, limit=PAGE, view=rollout.ItemsView.FULL).data[::-1]

    def aim(self, first: int) -> str:
        """Walk there page by page, as who has scrolled there did: the cursor, and the turn's id."""
        cursor, ahead = None, first
        while ahead:
            page = self._store.turns(
                self._id,
                limit=min(ahead, _WALK),
                cursor=cursor,
                direction=rollout.SortDirection.ASC,
                view=rollout.ItemsView.NOT_LOADED,
            )
            cursor, ahead = page.next_cursor, ahead - len(page.data)
        page = self._store.turns(self._id, limit=1, cursor=cursor, direction=rollout.SortDirection.ASC)
        return json.dumps([cursor, page.data[0].id])

    def middle(self, place: str) -> list[rollout.Turn]:
        cursor, _ = json.loads(place)
        page = self._store.turns(
            self._id,
            limit=PAGE,
            cursor=cursor,
            direction=rollout.SortDirection.ASC,
            view=rollout.ItemsView.FULL,
        )
        return list(page.data)

    def fork(self, place: str | None) -> str:
        import fork

        before = None if place is None else json.loads(place)[1]
        return fork.fork_thread(self._store, self._id, before_turn=before, exclude_turns=True).id

    def of_fork(self, fork: str) -> Any:
        return json.loads(self._store.resume(fork).input_json())

    def texts(self, found: Any) -> list[str]:
        if found and isinstance(found[0], dict):
            return [text_of(item) for item in found]
        return [text for turn in found for item in turn.items for text in _texts(item)]

    def add_threads(self, threads: list[list[Item]]) -> None:
        for items in threads:
            with self._store.create_thread(cwd="/work", model="m") as thread:
                thread_id = thread.id
            with self._store.record(thread_id, durability="none") as recorder:
                recorder.turn(items=items).complete()
        self._is_new = True
        self.close()
        self.open()

    def list_newest(self) -> list[str]:
        return [
            row.preview.partition("\n")[0].strip()[:100] for row in self._store.list_threads(limit=PAGE).data
        ]

    def close(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
        if self._is_new:  # pages far back and lists go by the catalog, once there is one
            self._store.catalog.rebuild()
            self._is_new = False
        self._store.close()


class Compacted(Rollout):
    """The same; its thread is compacted, with a hundred turns behind the newest time."""

    compacts_at = 100

    def resumed(self, texts: list[str]) -> list[str]:
        newest = (self._filled - self.compacts_at) // _COMPACTED_EVERY * _COMPACTED_EVERY + self.compacts_at
        if newest < 0:
            return texts
        return [text_of(SUMMARY), *texts[newest * ITEMS_A_TURN :]]


SUMMARY: Item = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "What was done so far."}],
}


def _texts(item: Any) -> list[str]:
    match type(item).__name__:
        case "UserMessage":
            return [item.content[0].text]
        case "AgentMessage":
            return [item.text]
        case _:
            return [json.loads(json.loads(bytes(item.arguments)))["cmd"], item.content_items[0].text]
