"""Forks and reverts: every way in which one thread's history can rest on another's."""

from refclient.driver import Driver
from refclient.replies import say


def forks(driver: Driver, mode: str) -> dict[str, str]:
    """Record forks of a plain thread, of forks, and of a compacted thread, in history `mode`."""
    root = driver.start(mode)
    first = driver.turn(root, "Root question one.", say("Root answer one."))
    second = driver.turn(root, "Root question two.", say("Root answer two."))
    third = driver.turn(root, "Root question three.", say("Root answer three."))
    driver.rename(root, "Root")
    told = {root: "root of the family; goes on after it was forked"}

    whole = driver.fork(root)
    driver.turn(whole, "Whole fork question.", say("Whole fork answer."))
    told[whole] = "fork of everything, one turn of its own"

    bare = driver.fork(root, excludeTurns=True)
    told[bare] = "fork of everything with excludeTurns, no turn of its own"

    through = driver.fork(root, lastTurnId=second)
    own = driver.turn(through, "Branch question.", say("Branch answer."))
    told[through] = "fork through the second turn, one turn of its own"

    before = driver.fork(root, beforeTurnId=third, excludeTurns=True)
    driver.turn(before, "Earlier branch question.", say("Earlier branch answer."))
    told[before] = "fork before the third turn, one turn of its own"

    empty = driver.fork(root, beforeTurnId=first)
    driver.turn(empty, "Fresh question.", say("Fresh answer."))
    told[empty] = "fork before the first turn, one turn of its own"

    grandchild = driver.fork(through, lastTurnId=own)
    driver.turn(grandchild, "Grandchild question.", say("Grandchild answer."))
    told[grandchild] = "fork of a fork through its own turn, one turn of its own"

    inherited = driver.fork(grandchild, lastTurnId=first, excludeTurns=True)
    driver.turn(inherited, "Deep cut question.", say("Deep cut answer."))
    told[inherited] = "fork of the grandchild, cut inside history inherited from the root"

    driver.turn(root, "Root question four.", say("Root answer four."))
    told.update(_forks_of_compacted(driver, mode))
    return told


def _forks_of_compacted(driver: Driver, mode: str) -> dict[str, str]:
    """Record forks on both sides of a compaction."""
    source = driver.start(mode)
    early = driver.turn(source, "Remember red.", say("Remembered: red."))
    driver.compact(source, say("SUMMARY source: red."))
    driver.turn(source, "Remember blue.", say("Remembered: blue."))

    after = driver.fork(source)
    driver.turn(after, "Which colours?", say("Red and blue."))
    driver.compact(after, say("SUMMARY fork: red and blue."))
    driver.turn(after, "Again?", say("Red and blue."))

    behind = driver.fork(source, lastTurnId=early)
    driver.turn(behind, "Which colour?", say("Red."))
    return {
        source: "turn, compaction, turn; source of two forks",
        after: "fork of the compacted thread; turn, compaction, turn of its own",
        behind: "fork of the compacted thread, cut before its compaction; one turn of its own",
    }


def reverts(driver: Driver) -> dict[str, str]:
    """Record reverts of roots, of a fork, over a compaction, and a fork of a reverted thread."""
    mode = "paginated"
    told = {}

    once = driver.start(mode)
    driver.turn(once, "Keep this.", say("Kept."))
    dropped = driver.turn(once, "Drop this.", say("Dropped."))
    driver.turn(once, "Drop this, too.", say("Dropped, too."))
    driver.revert(once, dropped)
    told[once] = "three turns, reverted to before the second; nothing since"

    twice = driver.start(mode)
    driver.turn(twice, "Base question.", say("Base answer."))
    wrong = driver.turn(twice, "Wrong question.", say("Wrong answer."))
    driver.revert(twice, wrong)
    driver.turn(twice, "Better question.", say("Better answer."))
    worse = driver.turn(twice, "Worse question.", say("Worse answer."))
    driver.revert(twice, worse)
    driver.turn(twice, "Best question.", say("Best answer."))
    told[twice] = "reverted twice, with turns in between and after"

    heir = driver.fork(twice)
    mine = driver.turn(heir, "Heir question.", say("Heir answer."))
    told[heir] = "fork of the twice reverted thread, one turn of its own"

    cut = driver.fork(heir)
    driver.turn(cut, "Fork question.", say("Fork answer."))
    driver.revert(cut, mine)
    driver.turn(cut, "Replacement question.", say("Replacement answer."))
    told[cut] = "fork, reverted to inside its inherited history, one turn since"

    emptied = driver.start(mode)
    first = driver.turn(emptied, "All of this goes.", say("Gone."))
    driver.turn(emptied, "This as well.", say("Gone as well."))
    driver.revert(emptied, first)
    driver.turn(emptied, "Starting over.", say("Started over."))
    told[emptied] = "reverted to before its first turn, one turn since"

    packed = driver.start(mode)
    driver.turn(packed, "Before packing.", say("Noted before."))
    driver.compact(packed, say("SUMMARY packed: noted."))
    late = driver.turn(packed, "After packing.", say("Noted after."))
    driver.revert(packed, late)
    driver.turn(packed, "After packing, again.", say("Noted again."))
    told[packed] = "compacted, then reverted to just after the compaction, one turn since"

    unpacked = driver.start(mode)
    driver.turn(unpacked, "First of two.", say("One."))
    second = driver.turn(unpacked, "Second of two.", say("Two."))
    driver.compact(unpacked, say("SUMMARY unpacked: one, two."))
    driver.revert(unpacked, second)
    driver.turn(unpacked, "Second, anew.", say("Two, anew."))
    told[unpacked] = "compacted, then reverted to before the compaction, one turn since"
    return told


def cold_family(driver: Driver) -> dict[str, str]:
    """Record a small family to be compressed: a root, a fork and a reverted fork."""
    root = driver.start("paginated")
    driver.turn(root, "Cold question one.", say("Cold answer one."))
    driver.compact(root, say("SUMMARY cold: one."))
    last = driver.turn(root, "Cold question two.", say("Cold answer two."))
    fork = driver.fork(root)
    driver.turn(fork, "Cold fork question.", say("Cold fork answer."))
    reverted = driver.fork(fork)
    driver.revert(reverted, last)
    driver.turn(reverted, "Cold replacement.", say("Cold replacement answer."))
    return {
        root: "turn, compaction, turn; compressed",
        fork: "fork of the compressed root, one turn of its own; compressed",
        reverted: "fork of the fork, reverted into the root's part, one turn since; compressed",
    }
