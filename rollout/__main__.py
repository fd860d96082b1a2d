"""`python -m rollout`, and the command of that name: the command line in a process of its own."""

from __future__ import annotations

from rollout.cli.garbage import look_seldom

look_seldom()  # before anything else is imported

from rollout.cli.app import main  # noqa: E402

if __name__ == "__main__":
    main()
