"""What is recorded: for every home, the threads in it and what happens to each.

A scenario gets a driver on the home's server and returns `{thread id: description}`. Texts are ours
and short; commands only print. Forks and reverts live in `fork_scenarios.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from refclient.driver import Driver
from refclient.fork_scenarios import cold_family, forks, reverts
from refclient.replies import call, fail, function_call, hang, message, reasoning, say
from refclient.steps import patch_call, shell_call

Scenario: TypeAlias = Callable[[Driver], dict[str, str]]


@dataclass(frozen=True)
class HomePlan:
    """One recorded home: its folder name and the scenarios run in it, in order.

    With `is_compressed` every rollout is compressed after the last scenario.
    """

    name: str
    scenarios: tuple[Scenario, ...]
    is_compressed: bool = False


def plain(driver: Driver, mode: str) -> dict[str, str]:
    """Record three ordinary turns and two renames."""
    thread_id = driver.start(mode)
    driver.turn(thread_id, "What is one plus one?", say("Two."))
    driver.rename(thread_id, "First name")
    driver.turn(thread_id, "And one more?", say("Three.", phase=None))
    driver.turn(thread_id, "Grüße, 東京 \N{ROCKET}", say("Grüße zurück \N{ROCKET}"))
    driver.rename(thread_id, "Sums")
    return {thread_id: "three turns, named twice; non-ASCII text; one answer without phase"}


def tools(driver: Driver, mode: str) -> dict[str, str]:
    """Record commentary, reasoning, commands that succeed and fail, and patches."""
    thread_id = driver.start(mode)
    driver.turn(
        thread_id,
        "Look around and print a greeting.",
        call(
            reasoning("Think about the greeting.", "Decide to print it."),
            message("I will print it.", "commentary"),
            shell_call("call_print", "printf 'hello\\n'"),
        ),
        call(shell_call("call_fail", "printf 'broken\\n' >&2; exit 3")),
        say("Printed once, failed once."),
    )
    driver.turn(
        thread_id,
        "Add a file, then change it.",
        call(patch_call("call_add", "*** Add File: notes.txt\n+first line\n")),
        call(patch_call("call_edit", "*** Update File: notes.txt\n-first line\n+second line\n")),
        call(patch_call("call_miss", "*** Update File: absent.txt\n-nothing\n+something\n")),
        say("Added and changed."),
    )
    driver.turn(
        thread_id,
        "Call something unknown.",
        call(function_call("no_such_tool", "call_unknown", {"value": 1})),
        say("That tool does not exist."),
    )
    return {thread_id: "reasoning, commentary, command success and failure, patches, unknown tool"}


def compacted(driver: Driver, mode: str) -> dict[str, str]:
    """Record compaction in the middle, twice, and compaction as the last act."""
    middle = driver.start(mode)
    driver.turn(middle, "Remember the word apple.", say("Remembered: apple."))
    driver.turn(middle, "Remember the word pear.", say("Remembered: pear."))
    driver.compact(middle, say("SUMMARY one: apple and pear."))
    driver.turn(middle, "Which words?", say("Apple and pear."))
    driver.compact(middle, say("SUMMARY two: still apple and pear."))
    driver.turn(middle, "Remember the word plum.", say("Remembered: plum."))
    last = driver.start(mode)
    driver.turn(last, "Count to three.", say("One, two, three."))
    driver.compact(last, say("SUMMARY three: counted."))
    return {
        middle: "two turns, compaction, turn, compaction, turn",
        last: "one turn, then compaction as the last act",
    }


def interrupted(driver: Driver, mode: str) -> dict[str, str]:
    """Record turns that were interrupted: before any output, after some, and as the last."""
    thread_id = driver.start(mode)
    driver.turn(thread_id, "A first question.", say("A first answer."))
    driver.interrupted_turn(thread_id, "Stop before a word.", hang())
    driver.turn(thread_id, "Go on.", say("Going on."))
    driver.interrupted_turn(thread_id, "Stop after a remark.", hang(message("Half way.", "commentary")))
    return {thread_id: "turn, interrupted at once, turn, interrupted after commentary"}


def failed(driver: Driver, mode: str) -> dict[str, str]:
    """Record a failed turn between two good ones."""
    thread_id = driver.start(mode)
    driver.turn(thread_id, "A good question.", say("A good answer."))
    driver.turn(thread_id, "A question that fails.", fail("The stand-in refuses this."))
    driver.turn(thread_id, "Another good question.", say("Another good answer."))
    return {thread_id: "turn, failed turn, turn"}


def archived(driver: Driver, mode: str) -> dict[str, str]:
    """Record an archived thread."""
    thread_id = driver.start(mode)
    driver.turn(thread_id, "To be put away.", say("Fine."))
    driver.rename(thread_id, "Put away")
    driver.archive(thread_id)
    return {thread_id: "one turn, named, archived"}


def context_changes(driver: Driver, mode: str) -> dict[str, str]:
    """Record changes of directory and model, a command by the user, and injected items."""
    thread_id = driver.start(mode)
    driver.turn(thread_id, "Where are we?", say("In the first folder."))
    elsewhere = driver.workspace / "sub"
    elsewhere.mkdir(exist_ok=True)
    driver.turn(thread_id, "And now?", say("In the second folder."), cwd=str(elsewhere))
    driver.user_shell(thread_id, "printf 'from the user'")
    driver.inject(
        thread_id,
        {"type": "message", "role": "developer", "content": _text("A developer note of ours.")},
        {"type": "message", "role": "user", "content": _text("An injected user message.")},
    )
    driver.turn(thread_id, "Say what changed.", say("Folder, command, two items."))
    driver.turn(thread_id, "Who are you?", say("Another model."), model="other-stand-in-model")
    return {
        thread_id: "turn, turn in another directory, user command, injected items, turn,"
        " turn with another model"
    }


def _text(text: str) -> list[dict[str, str]]:
    return [{"type": "input_text", "text": text}]


def _in_mode(mode: str, *bodies: Callable[[Driver, str], dict[str, str]]) -> tuple[Scenario, ...]:
    """Return the scenarios with the history mode filled in."""

    def bound(body: Callable[[Driver, str], dict[str, str]]) -> Scenario:
        return lambda driver: body(driver, mode)

    return tuple(bound(body) for body in bodies)


_COMMON = (plain, tools, compacted, interrupted, failed, archived, context_changes)

HOMES = (
    HomePlan("paginated", _in_mode("paginated", *_COMMON)),
    HomePlan("forks", _in_mode("paginated", forks)),
    HomePlan("reverts", (reverts,)),
    HomePlan("legacy", _in_mode("legacy", *_COMMON)),
    HomePlan("legacy-forks", _in_mode("legacy", forks)),
    HomePlan("compressed", (cold_family, *_in_mode("legacy", compacted)), is_compressed=True),
)
