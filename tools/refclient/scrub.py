"""Replace fixed texts of the client in recorded rollouts by neutral text of the same length.

Some texts cannot be switched off: the words before a compaction summary, inside `<turn_aborted>`,
and inside the tagged blocks of developer messages. They are found in the records by where they
stand, so this file need not quote them. Lengths are kept byte for byte, and so are tags and line
breaks: `history_base` offsets and turn boundaries stay true.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from refclient.shapes import JsonObject

# Every summary that a scenario scripts begins with this word; what stands before it is not ours.
SUMMARY_MARK = "SUMMARY "
_TAGGED = re.compile(r"<(?P<tag>[a-z_ ]+)>\s*(?P<words>.+?)\s*</(?P=tag)>", re.DOTALL)
_FILLER = "Neutral words stand here in place of a fixed text of the client. "
_KEPT = frozenset('"\\\n\r\t')


def scrub_home(home: Path) -> list[str]:
    """Rewrite every rollout under `home` in place; return the texts that were replaced.

    Raise ValueError if a file would change its length or a replaced text is still found.
    """
    paths = rollout_paths(home)
    texts = sorted({text for path in paths for text in _client_texts(_records(path))})
    for path in paths:
        content = path.read_bytes()
        scrubbed = content
        for text in texts:
            scrubbed = scrubbed.replace(_escaped(text), _escaped(filler(text)))
        if len(scrubbed) != len(content):
            raise ValueError(f"scrub {path}: {len(content)} bytes became {len(scrubbed)}")
        if any(_escaped(text) in scrubbed for text in texts):
            raise ValueError(f"scrub {path}: a client text is still there")
        path.write_bytes(scrubbed)
    return texts


def rollout_paths(home: Path) -> list[Path]:
    """Return every rollout file of a home, archived ones included, in order of name."""
    folders = (home / "sessions", home / "archived_sessions")
    return sorted(path for folder in folders for path in folder.rglob("rollout-*.jsonl"))


def filler(text: str) -> str:
    """Return neutral text with the UTF-8 length of `text`, keeping what JSON would escape."""
    pieces = []
    position = 0
    for character in text:
        if character in _KEPT:
            pieces.append(character)
            continue
        for _ in character.encode():
            pieces.append(_FILLER[position % len(_FILLER)])
            position += 1
    return "".join(pieces)


def _escaped(text: str) -> bytes:
    """Return `text` as it stands inside a JSON string of a rollout."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()


def _records(path: Path) -> Iterator[JsonObject]:
    for line in path.read_bytes().splitlines():
        yield json.loads(line)


def _client_texts(records: Iterable[JsonObject]) -> Iterator[str]:
    """Yield the texts of the client that stand in `records`."""
    for record in records:
        payload = record["payload"]
        if record["type"] == "compacted":
            before, mark, _ = payload["message"].partition(SUMMARY_MARK)
            if not mark:
                raise ValueError(f"a summary does not begin with {SUMMARY_MARK!r}")
            yield before.rstrip()
        elif payload.get("type") == "message":
            for part in payload["content"]:
                tagged = _TAGGED.fullmatch(part.get("text", ""))
                if tagged and (payload["role"] == "developer" or tagged["tag"] == "turn_aborted"):
                    yield tagged["words"]
