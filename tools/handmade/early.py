"""The home `early`: lines of the two eras before the envelope, which no client in use reads.

Era A stores items as they are; its turns come from messages. Era B flattens records and has events.
"""

from handmade.draft import CWD, Draft, JsonObject, text_message, uuid
from handmade.expected import Expectation, Harm, agent_item, reasoning_item, turn, user_item
from handmade.homes import Home

_GIT = {"commit_hash": "0123456789abcdef0123456789abcdef01234567", "branch": "main"}
_STATE = {"record_type": "state"}


def early_home() -> Home:
    """Return the home."""
    home = Home("early")
    _bare_with_tools(home)
    _bare_bad_lines(home)
    _flat(home)
    _flat_copied(home)
    return home


def _place(draft: Draft, date: str) -> str:
    """Return where a rollout of an earlier day lies."""
    return f"sessions/{date.replace('-', '/')}/rollout-{date}T09-30-00-{draft.thread_id}.jsonl"


def _bare_header(draft: Draft, **members: object) -> None:
    header = {"id": draft.thread_id, "timestamp": "2025-06-17T09:30:00.000Z", "instructions": None}
    draft.line({**header, **members})


def _bare_with_tools(home: Home) -> None:
    draft = Draft(uuid(0xA1))
    _bare_header(draft, git=_GIT)
    draft.line(_STATE)
    items: list[JsonObject] = [
        text_message("user", f"<environment_context>\n{CWD}\n</environment_context>"),
        text_message("user", "Which files are there?"),
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "List them."}]},
        {"type": "function_call", "name": "shell", "call_id": "call_1", "arguments": '{"command":["ls"]}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "notes.txt"},
        text_message("assistant", "One: notes.txt."),
        text_message("user", "Thanks, that is all."),
        text_message("assistant", "You are welcome."),
    ]
    for item in items[:6]:
        draft.line(item)
    draft.line(_STATE)
    for item in items[6:]:
        draft.line(item)
    draft.line(_STATE)
    # Records are numbered from the header (0); state lines are none. The context message opens no
    # turn: record 2 opens the first, record 7 the second.
    home.add(
        draft,
        Expectation(
            "era A: a header, items with a tool call, state lines between them",
            context=items,
            turns=[
                turn(
                    "rollout-2",
                    user_item("item-1", "Which files are there?"),
                    agent_item("item-2", "One: notes.txt."),
                    is_timed=False,
                ),
                turn(
                    "rollout-7",
                    user_item("item-3", "Thanks, that is all."),
                    agent_item("item-4", "You are welcome."),
                    is_timed=False,
                ),
            ],
        ),
        path=_place(draft, "2025-06-17"),
    )


def _bare_bad_lines(home: Home) -> None:
    draft = Draft(uuid(0xA2))
    _bare_header(draft)
    asked = text_message("user", "Is this line whole?")
    draft.line(asked)
    # The output of the first weeks, an object: obsolete, so no record and no damage.
    draft.line(
        {"type": "function_call_output", "call_id": "call_1", "output": {"content": "", "success": True}}
    )
    not_json = draft.raw(b'{"type":"message","role":"assistant","content":[{"type":"output_\n')
    no_content = draft.line({"type": "message", "role": "assistant"})
    said = text_message("assistant", "This one is.")
    draft.line(said)
    torn = draft.raw(b'{"type":"message","role":"user","content":[{"ty')
    home.add(
        draft,
        Expectation(
            "era A: an obsolete output, two bad lines, a torn tail; no git member",
            context=[asked, said],
            turns=[
                turn(
                    "rollout-1",
                    user_item("item-1", "Is this line whole?"),
                    agent_item("item-2", "This one is."),
                    is_timed=False,
                )
            ],
            damage=[Harm("notJson", not_json), Harm("badPayload", no_content), Harm("tornTail", torn)],
        ),
        path=_place(draft, "2025-07-01"),
    )


def _flat_line(draft: Draft, record_type: str, **members: object) -> None:
    draft.line({"timestamp": draft.stamp(), "record_type": record_type, **members})


def _flat_event(draft: Draft, type_: str, **members: object) -> None:
    _flat_line(draft, "event", id="1", msg={"type": type_, **members})


def _flat(home: Home) -> None:
    draft = Draft(uuid(0xB1))
    header = {"cwd": CWD, "originator": "cli", "cli_version": "0.30.0", "instructions": None, "git": _GIT}
    _flat_line(draft, "session_meta", id=draft.thread_id, **header)
    items: list[JsonObject] = [
        text_message("user", "<environment_context>\n  <cwd>/src/app</cwd>\n</environment_context>"),
        text_message("user", "Name a planet."),
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Any will do."}]},
        text_message("assistant", "Mars."),
        text_message("user", "Another."),
        text_message("assistant", "Venus."),
    ]
    _flat_line(draft, "response", **items[0])
    _flat_line(draft, "response", **items[1])
    _flat_event(draft, "user_message", message="Name a planet.", kind="plain")
    _flat_event(draft, "agent_reasoning", text="Any will do.")
    _flat_line(draft, "response", **items[2])
    _flat_event(draft, "agent_message", message="Mars.")
    _flat_line(draft, "response", **items[3])
    _flat_event(draft, "token_count", info=None)
    _flat_line(draft, "state")
    _flat_line(draft, "response", **items[4])
    _flat_event(draft, "user_message", message="Another.", kind="plain")
    _flat_event(draft, "agent_message", message="Venus.")
    _flat_line(draft, "response", **items[5])
    # Record 3 opens the first turn; the state line is no record, so record 10 opens the second.
    home.add(
        draft,
        Expectation(
            "era B: a header, responses and events with their members beside the record type",
            context=items,
            turns=[
                turn(
                    "rollout-3",
                    user_item("item-1", "Name a planet."),
                    reasoning_item("item-2", "Any will do."),
                    agent_item("item-3", "Mars."),
                    is_timed=False,
                ),
                turn(
                    "rollout-10",
                    user_item("item-4", "Another."),
                    agent_item("item-5", "Venus."),
                    is_timed=False,
                ),
            ],
        ),
        path=_place(draft, "2025-09-12"),
    )


def _flat_copied(home: Home) -> None:
    draft = Draft(uuid(0xB2))
    _flat_line(draft, "session_meta", id=draft.thread_id, cwd=CWD)
    _flat_line(draft, "prev_session_meta", id=uuid(0xB1), cwd="/src/other")
    asked = text_message("user", "Whose thread is this?")
    _flat_line(draft, "response", **asked)
    _flat_event(draft, "user_message", message="Whose thread is this?", kind="plain")
    _flat_line(draft, "brand_new", x=1)
    bad_utf8 = draft.raw(b'{"timestamp":"2025-09-13T09:30:00.000Z","record_type":"response","type":"\xff"}\n')
    said = text_message("assistant", "Your own.")
    _flat_event(draft, "agent_message", message="Your own.")
    _flat_line(draft, "response", **said)
    # The copied header is record 1. Neither the unknown line nor the damaged one is a record.
    home.add(
        draft,
        Expectation(
            "era B: the header of an earlier thread copied in, an unknown record type, bad UTF-8",
            context=[asked, said],
            turns=[
                turn(
                    "rollout-3",
                    user_item("item-1", "Whose thread is this?"),
                    agent_item("item-2", "Your own."),
                    is_timed=False,
                )
            ],
            damage=[Harm("badUtf8", bad_utf8)],
        ),
        path=_place(draft, "2025-09-13"),
    )
