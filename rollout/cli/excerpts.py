"""One line about an item, for people who skim."""

from __future__ import annotations

from rollout.turns import items
from rollout.turns.parts import TextInput


def excerpt(item: items.ThreadItem) -> str:
    """Return the gist of an item."""
    match item:
        case items.UserMessage():
            return "".join(
                part.text if isinstance(part, TextInput) else "[attachment]" for part in item.content
            )
        case items.AgentMessage() | items.Plan():
            return item.text
        case items.Reasoning():
            return " ".join(item.summary or item.content)
        case items.CommandExecution():
            ended = "" if item.exit_code is None else f"  (exit {item.exit_code})"
            return f"$ {item.command}{ended}"
        case items.FileChange():
            return ", ".join(change.path for change in item.changes)
        case items.McpToolCall():
            return f"{item.server}.{item.tool}"
        case items.DynamicToolCall():
            return item.tool
        case items.WebSearch():
            return item.query
        case items.ImageView():
            return item.path
        case items.HookPrompt():
            return " ".join(fragment.text for fragment in item.fragments)
        case items.EnteredReviewMode() | items.ExitedReviewMode():
            return item.review
        case _:
            return ""


def kind_of(item: items.ThreadItem) -> str:
    """Return the item's type as it reads in JSON."""
    return str(item.__struct_config__.tag)
