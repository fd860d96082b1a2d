"""Let hostile clients at `rollout app-server`, over every transport, and look at what they leave behind.

EXIT STATUS: 0 the server kept its word, 1 it did not (the folder it happened in is named).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from hostility.crowds import CROWDS, can_hold, plain
from hostility.lines import LINES
from hostility.mixed import MIXED
from hostility.scale import LONG, QUICK, Attack, Scale
from hostility.servers import Place, complaints, places
from hostility.values import VALUES
from hostility.worlds import World

ATTACKS = (*LINES, *VALUES, *CROWDS, MIXED)
TRANSPORTS = ("stdio", "unix", "ws")


def attack(folder: Path, scale: Scale, transports: list[str], attacks: list[Attack]) -> list[str]:
    """Run attacks in a fresh world under a folder, and return what went wrong."""
    world = World(folder / "world")
    alone = [one for one in attacks if one is MIXED]  # memory is measured from a fresh start
    wrong: list[str] = []
    for together in ([one for one in attacks if one not in alone], alone):
        names = [name for name in transports if any(name in one.over for one in together)]
        try:
            with places(world, names) as found:
                for one in together:
                    for place in found:
                        wrong += run(one, place, scale) if place.name in one.over else []
        except AssertionError as error:
            wrong.append(f"ending: {error}")
    changed = world.changes()
    wrong += [f"{name} changed" for name in changed]
    wrong += [f"said on stderr: {line}" for line in complaints(world)]
    print(f"\n{'files that changed and should not':36} {len(changed) or 'none'}")
    return wrong


def run(one: Attack, place: Place, scale: Scale) -> list[str]:
    """Attack, print a row of what was answered, and be a plain client right after; return what went wrong."""
    begun = time.monotonic()
    wrong: list[str] = []
    try:
        shown = one.run(place, scale)
        plain(place)
    except Exception as error:  # noqa: BLE001  # whatever it is, the others are tried as well
        what = str(error) or repr(error)
        shown = f"FAILED: {what}"
        wrong.append(f"{one.name} over {place.name}: {what}")
    print(f"{one.name:28} {place.name:6} {time.monotonic() - begun:6.1f} s  {shown}", flush=True)
    return wrong


def main() -> int:
    """Attack as the arguments say, in a fresh folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="a moment of everything, instead of an hour's worth"
    )
    parser.add_argument(
        "--over", choices=TRANSPORTS, action="append", help="this transport alone (may be repeated)"
    )
    parser.add_argument("--only", metavar="WORDS", help="attacks whose name has these words")
    parser.add_argument("--requests", type=int, help="how many requests of all sorts (default 1,000,000)")
    arguments = parser.parse_args()
    scale = QUICK if arguments.quick else LONG
    if arguments.requests:
        scale = scale._replace(mixed=arguments.requests)
    if not can_hold(2 * scale.connections + 100):
        parser.error(f"{scale.connections} connections need more open files: raise `ulimit -n`")
    attacks = [one for one in ATTACKS if (arguments.only or "") in one.name]
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    wrong = attack(folder, scale, arguments.over or list(TRANSPORTS), attacks)
    if wrong:
        print("\n".join(wrong) + f"\nthe folder is {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
