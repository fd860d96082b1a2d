"""The home `damaged`, second part: files that are wrong as a whole, and bases that lead nowhere."""

from handmade.draft import Draft, JsonObject, Span, uuid
from handmade.expected import Expectation, Harm, Refusal, legacy_turn, paginated_turn
from handmade.frames import block_header, skipped_frame, stored_frame
from handmade.homes import Home

_ONE = ("turn-1", "First question.", "First answer.")
_TWO = ("turn-2", "Second question.", "Second answer.")
_THREE = ("turn-3", "Third question.", "Third answer.")


def add_damaged_files(home: Home) -> None:
    """Add the threads."""
    _add_headers(home)
    _add_wrong_name(home)
    _add_compressed(home)
    _add_cut_line(home)
    _add_cycle(home)
    _add_bad_bases(home)


def _whole(number: int, *turns: tuple[str, str, str], **members: object) -> tuple[Draft, list[JsonObject]]:
    """Return a paginated rollout with whole turns, and their model items."""
    draft = Draft(uuid(number), "paginated")
    draft.header(**members)
    return draft, [item for turn in turns for item in draft.turn(*turn)]


def _no_header(says: str) -> Refusal:
    return Refusal("DamagedLog", "log.damaged", says)


def _add_headers(home: Home) -> None:
    empty = Draft(uuid(0x40))
    home.add(empty, Expectation("an empty file", refusal=_no_header("is empty")))

    blank = Draft(uuid(0x41))
    blank.raw(b"\n \n\n")
    home.add(blank, Expectation("a file of blank lines", refusal=_no_header("is empty")))

    missing = Draft(uuid(0x42))
    missing.turn(*_ONE)
    refusal = _no_header("the first record is event_msg")
    home.add(missing, Expectation("no header: the first line is gone", refusal=refusal))

    text = Draft(uuid(0x43))
    text.raw(b"Dear diary,\nthis is no rollout.\n")
    home.add(text, Expectation("a text file under a rollout's name", refusal=_no_header("notJson")))

    future = Draft(uuid(0x44))
    future.header(history_mode="holographic")
    future.turn(*_ONE)
    refusal = _no_header("history_mode")
    home.add(future, Expectation("a header with an unknown history mode is none", refusal=refusal))

    bare = Draft(uuid(0x45))
    payload = bare.header_payload()
    del payload["cwd"]
    bare.record("session_meta", payload)
    refusal = _no_header("cwd")
    home.add(bare, Expectation("a header without a required member is none", refusal=refusal))

    late = Draft(uuid(0x46))
    line = late.raw(b"Not a header.\n")
    late.header()
    items = late.turn(*_ONE)
    home.add(
        late,
        Expectation(
            "legacy: a line before the header; it can be read, but not continued",
            context=items,
            turns=[legacy_turn("turn-1", 1, *_ONE[1:])],
            damage=[Harm("notJson", line)],
            not_resumable="does not start with its session metadata",
        ),
    )

    copied, items = _whole(0x47, _ONE)
    second = copied.record("session_meta", copied.header_payload(id=uuid(0xFF)))
    items += copied.turn(*_TWO)
    home.add(
        copied,
        Expectation(
            "paginated: another thread's header in the middle; what stands before it is kept",
            context=items,
            turns=[paginated_turn(*_ONE), paginated_turn(*_TWO)],
            damage=[Harm("copiedHeader", second)],
            next_ordinal=16,
        ),
    )


def _add_wrong_name(home: Home) -> None:
    draft, _ = _whole(0x48, _ONE)
    inside = uuid(0x49)
    content = draft.content.replace(draft.thread_id.encode(), inside.encode())
    says = f"belongs to thread {inside}"
    refusal = Refusal("NotFound", "not_found", says)
    home.add(
        draft, Expectation("the header carries another id than the name", refusal=refusal), content=content
    )
    refusal = Refusal("NotFound", "not_found", "no file name carries that id")
    home.expect(inside, Expectation("an id that only the header of another file carries", refusal=refusal))


def _add_compressed(home: Home) -> None:
    draft, items = _whole(0x50, _ONE, _TWO)
    middle = draft.content.index(b"Second question.")  # a frame may end anywhere
    frames = (
        stored_frame(draft.content[:100], draft.content[100:middle]),
        skipped_frame(b"passed over"),
        stored_frame(draft.content[middle:]),
    )
    home.add(
        draft,
        Expectation(
            "compressed: two frames with a skipped one between them, cut inside a line",
            context=items,
            turns=[paginated_turn(*_ONE), paginated_turn(*_TWO)],
            next_ordinal=15,
        ),
        path=draft.path(suffix=".jsonl.zst"),
        content=b"".join(frames),
    )

    cut, items = _whole(0x51, _ONE)
    kept = cut.content
    cut.turn(*_TWO)
    lost = cut.content[len(kept) :]
    whole = stored_frame(kept, lost)
    home.add(
        cut,
        Expectation(
            "compressed: the file ends inside a block; the blocks before it are read",
            context=items,
            turns=[paginated_turn(*_ONE)],
            damage=[Harm("badCompression", Span(len(kept), len(kept)))],
            next_ordinal=8,
        ),
        path=cut.path(suffix=".jsonl.zst"),
        content=whole[: len(whole) - len(lost) // 2],
    )

    spoilt, items = _whole(0x52, _ONE)
    kept = spoilt.content
    reserved = b"\x06\x00\x00"  # a block of the kind that no decoder knows
    frame = stored_frame(kept)
    opened = frame.replace(block_header(len(kept), is_last=True), block_header(len(kept), is_last=False), 1)
    home.add(
        spoilt,
        Expectation(
            "compressed: a block of no known kind; the blocks before it are read",
            context=items,
            turns=[paginated_turn(*_ONE)],
            damage=[Harm("badCompression", Span(len(kept), len(kept)))],
            next_ordinal=8,
        ),
        path=spoilt.path(suffix=".jsonl.zst"),
        content=opened + reserved + b"rest",
    )


def _base(parent: str, ordinal: int, offset: int) -> JsonObject:
    link = {"thread_id": parent, "end_ordinal_exclusive": ordinal, "end_byte_offset": offset}
    return {"history_base": link}


def _add_cut_line(home: Home) -> None:
    parent, inherited = _whole(0x60, _ONE, _TWO)
    end = parent.content.rindex(b"\n", 0, -1) + 1  # where the end of the second turn is recorded
    home.add(
        parent,
        Expectation(
            "paginated: the undamaged parent of a fork",
            context=inherited,
            turns=[paginated_turn(*_ONE), paginated_turn(*_TWO)],
            next_ordinal=15,
        ),
    )
    child = Draft(uuid(0x61), "paginated", first_ordinal=14)
    child.header(**_base(parent.thread_id, 14, end + 40))
    items = [*inherited, *child.turn(*_THREE)]
    turns = [paginated_turn(*_ONE), paginated_turn(*_TWO, status="interrupted"), paginated_turn(*_THREE)]
    home.add(
        child,
        Expectation(
            "paginated: a fork whose base ends inside a line of its parent",
            context=items,
            turns=turns,
            damage=[Harm("cutLine", Span(end, end + 40), rollout_id=parent.thread_id)],
            next_ordinal=22,
        ),
    )


def _broken(says: str) -> Refusal:
    return Refusal("BrokenLineage", "log.damaged", says)


def _add_cycle(home: Home) -> None:
    for own, other in ((0x62, 0x63), (0x63, 0x62)):
        draft, _ = _whole(own, _ONE, **_base(uuid(other), 1, 10))
        refusal = _broken("cycle")
        home.add(draft, Expectation("one of two rollouts that are each other's base", refusal=refusal))
    itself, _ = _whole(0x64, _ONE, **_base(uuid(0x64), 1, 10))
    home.add(itself, Expectation("a rollout that is its own base", refusal=_broken("cycle")))


def _add_bad_bases(home: Home) -> None:
    parent, items = _whole(0x65, _ONE)
    home.add(
        parent,
        Expectation(
            "paginated: the undamaged parent of three forks that cannot be followed",
            context=items,
            turns=[paginated_turn(*_ONE)],
            next_ordinal=8,
        ),
    )
    size = parent.size_bytes
    bases = (
        (0x66, "is missing", _base(uuid(0xDEAD), 8, size), "missing source rollout"),
        (0x67, "ends behind its parent", _base(parent.thread_id, 8, size + 1), "past the source rollout"),
        (0x68, "ends before its parent's header", _base(parent.thread_id, 0, size), "session metadata"),
        (0x69, "is a thread, but no id", _base("not an id", 8, size), "missing source rollout"),
    )
    for number, about, base, says in bases:
        draft, _ = _whole(number, _TWO, **base)
        home.add(draft, Expectation(f"a fork whose base {about}", refusal=_broken(says)))
    heir, _ = _whole(0x6A, _THREE, **_base(uuid(0x66), 8, 100))
    home.add(
        heir, Expectation("a fork of a fork whose base is missing", refusal=_broken(f"{uuid(0x66)} -> base"))
    )
