"""What a person is told of one thread, wherever it is shown."""

from __future__ import annotations

from rollout.store.summary import ThreadSummary


def title_of(summary: ThreadSummary) -> str:
    """Return what a thread is called where there is room for one line."""
    if summary.problem is not None:
        act, _, why = summary.problem.message.partition(": ")
        return f"(cannot be read) {why or act}"
    return summary.name or summary.preview or "(nothing asked yet)"


def describe(summary: ThreadSummary) -> list[tuple[str, str]]:
    """Return what a person wants to know of a thread, as names and values."""
    about = [("thread", f"{summary.id} ({summary.mode.value}{', archived' if summary.is_archived else ''})")]
    if summary.forked_from_id is not None:
        about.append(("forked from", summary.forked_from_id))
    if summary.parent_thread_id is not None:
        about.append(("spawned by", summary.parent_thread_id))
    branch = summary.git.branch if summary.git is not None else None
    about.append(("where", f"{summary.cwd}{f' ({branch})' if branch else ''}"))
    effort = f", {summary.reasoning_effort} effort" if summary.reasoning_effort else ""
    about.append(("model", f"{summary.model or 'not recorded'}{effort}"))
    if summary.is_pinned or summary.tags:
        about.append(("marked", ", ".join([*(["pinned"] * summary.is_pinned), *summary.tags])))
    return about
