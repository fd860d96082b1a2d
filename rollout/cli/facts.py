"""`rollout set`: what people say of a thread."""

from __future__ import annotations

from enum import StrEnum

import click
from msgspec import UNSET, Struct

from rollout.cli.folders import working_folder
from rollout.cli.options import find_known_id, json_option, pass_output, thread_options
from rollout.cli.output import Output, emit_json, emit_pairs
from rollout.errors import InvalidRequest
from rollout.log.facts import FactsPatch, GitPatch, Text
from rollout.store.facts import MemoryMode, ThreadFacts
from rollout.wire.facts import facts as shown_facts


class Unsettable(StrEnum):
    """What can be taken away."""

    NAME = "name"
    BRANCH = "branch"
    SHA = "sha"
    ORIGIN_URL = "origin-url"
    CWD = "cwd"
    MEMORY_MODE = "memory-mode"
    TAGS = "tags"


class _Given(Struct, frozen=True, kw_only=True):
    """The options as they were given."""

    name: str | None
    branch: str | None
    sha: str | None
    origin_url: str | None
    cwd: str | None
    memory_mode: str | None
    pin: bool | None
    tags: tuple[str, ...]
    untags: tuple[str, ...]
    unset: tuple[str, ...]


@click.command("set")
@thread_options
@click.option("--name", metavar="TEXT", help="Its name; other clients see it, too.")
@click.option("--branch", metavar="NAME", help="The git branch it stands on.")
@click.option("--sha", metavar="ID", help="The git commit it stands on.")
@click.option("--origin-url", metavar="URL", help="Where its git repository comes from.")
@click.option("--cwd", metavar="FOLDER", help="Where its working directory is now.")
@click.option(
    "--memory-mode",
    type=click.Choice([mode.value for mode in MemoryMode]),
    help="Whether memories may be made from it.",
)
@click.option("--pin/--unpin", default=None, help="Whether it is pinned.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="Give it a tag.")
@click.option("--untag", "untags", metavar="TAG", multiple=True, help="Take a tag away.")
@click.option(
    "--unset",
    type=click.Choice([one.value for one in Unsettable]),
    multiple=True,
    help="Take one of these away, as often as given. It has none then, whatever its log says;"
    " of cwd and memory-mode the log counts again.",
)
@json_option
@pass_output
def set_facts(
    output: Output, /, reference: str | None, last: bool, wants_json: bool, **options: object
) -> None:
    """Set what people say of a thread: name, tags, git state, folder.

    What is not named stays. Nothing is written into the thread's log, and what a model is given stays
    as it is: `rollout list` and `rollout show` tell what was said in place of what the log says.
    `rollout list --pinned` and `--tag` find a thread again. Others may record it meanwhile.

    \b
    Examples:
      rollout set 01a1fc4a --name "Flaky test" --tag ci --pin
      rollout set 01a1fc4a --branch main --unset sha
    """
    patch = _patch_of(_Given(**options))  # type: ignore[arg-type]  # click knows their types
    with output.open_store() as store:
        found = store.set_facts(find_known_id(store, reference, last=last), patch)
    if wants_json:
        emit_json(shown_facts(found))
        return
    emit_pairs(_described(found))


def _patch_of(given: _Given) -> FactsPatch:
    """Return the patch that the options mean. Raise InvalidRequest where they contradict each other."""
    tags: dict[str, bool | None] = {**dict.fromkeys(given.tags, True), **dict.fromkeys(given.untags)}
    both = sorted(set(given.tags) & set(given.untags))
    if both or (Unsettable.TAGS in given.unset and tags):
        raise InvalidRequest(
            f"setting tags: {both[0] if both else 'all of them'} cannot be set and taken away at once",
            hint="Leave one of the two options out.",
        )
    git = GitPatch(
        sha=_text(given, Unsettable.SHA, given.sha),
        branch=_text(given, Unsettable.BRANCH, given.branch),
        origin_url=_text(given, Unsettable.ORIGIN_URL, given.origin_url),
    )
    cwd = working_folder(given.cwd) if given.cwd is not None else None
    return FactsPatch(
        name=_text(given, Unsettable.NAME, given.name),
        is_pinned=given.pin if given.pin is not None else UNSET,
        git_info=git if git != GitPatch() else UNSET,
        memory_mode=_text(given, Unsettable.MEMORY_MODE, given.memory_mode),
        tags=None if Unsettable.TAGS in given.unset else tags or UNSET,
        cwd=_text(given, Unsettable.CWD, cwd),
    )


def _text(given: _Given, member: Unsettable, value: str | None) -> Text:
    if member not in given.unset:
        return value if value is not None else UNSET
    if value is not None:
        raise InvalidRequest(
            f"setting facts: --{member} and --unset {member} contradict each other",
            hint="Leave one of the two options out.",
        )
    return None


def _described(found: ThreadFacts) -> list[tuple[str, str]]:
    """Return what was said, as names and values."""
    git = found.git_info
    texts = {
        "name": found.name if found.name is not None else UNSET,
        "pinned": "yes" if found.is_pinned else UNSET,
        "tags": ", ".join(found.tags) if found.tags else UNSET,
        "branch": git.branch,
        "sha": git.sha,
        "origin-url": git.origin_url,
        "cwd": found.cwd if found.cwd is not None else UNSET,
        "memory-mode": found.memory_mode if found.memory_mode is not None else UNSET,
    }
    said = [(name, "none" if text is None else text) for name, text in texts.items() if text is not UNSET]
    return [("thread", str(found.thread_id)), *said]
