"""The text form in which a hook's words reach the model: one `<hook_prompt>` element.

Only what a hook prompt needs of XML is read: one element, text, character references.
Anything else is an ordinary message of the user.
"""

from __future__ import annotations

import re
from typing import Final

from rollout.turns.parts import HookFragment

_ELEMENT: Final = re.compile(
    r"""\s*<hook_prompt(?P<attributes>(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*>"""
    r"(?P<text>(?:[^<]|<!\[CDATA\[.*?\]\]>|<!--.*?-->)*)<(?:/hook_prompt\s*>|[^/!])",
    re.DOTALL,
)
_RUN_ID: Final = re.compile(r"""\shook_run_id\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_PIECE: Final = re.compile(r"<!\[CDATA\[(.*?)\]\]>|<!--.*?-->|([^<]+)", re.DOTALL)
_REFERENCE: Final = re.compile(r"&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|\w+)?;?")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def find_hook_fragment(text: str) -> HookFragment | None:
    """Return what `text` says in the name of a hook, or None when it is something else.

    Neither the run id nor the words may be blank.
    """
    element = _ELEMENT.match(text)
    run = _RUN_ID.search(element["attributes"]) if element else None
    if element is None or run is None:
        return None
    try:
        run_id = _unescaped(run[1] if run[1] is not None else run[2])
        words = "".join(
            piece[1] if piece[1] is not None else _unescaped(piece[2] or "")
            for piece in _PIECE.finditer(element["text"])
        )
    except ValueError:
        return None
    if not run_id.strip() or not words.strip():
        return None
    return HookFragment(text=words.replace("\r\n", "\n"), hook_run_id=run_id)


def _unescaped(text: str) -> str:
    return _REFERENCE.sub(_character, text)


def _character(reference: re.Match[str]) -> str:
    name = reference[1]
    if name is None or not reference[0].endswith(";"):
        raise ValueError(reference[0])
    if name.startswith("#"):
        return chr(int(name[2:], 16) if name[1] == "x" else int(name[1:]))
    if name not in _NAMED:
        raise ValueError(reference[0])
    return _NAMED[name]
