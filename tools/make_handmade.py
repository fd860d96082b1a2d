"""Make the hand-made fixtures, or check that they are as they would be made.

    python tools/make_handmade.py [--out fixtures/handmade]
    python tools/make_handmade.py [--out fixtures/handmade] --check

Exit status: 0 done; 1 the check found differences.
"""

import argparse
import sys
from pathlib import Path

from handmade.tree import find_changes, write_tree

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Make or check the hand-made fixtures.")
    parser.add_argument("--out", type=Path, default=ROOT / "fixtures" / "handmade")
    parser.add_argument("--check", action="store_true", help="only compare, byte by byte")
    options = parser.parse_args()
    if not options.check:
        write_tree(options.out)
        return 0
    changes = find_changes(options.out)
    for change in changes:
        print(change, file=sys.stderr)
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main())
