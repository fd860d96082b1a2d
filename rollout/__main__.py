"""`python -m rollout`: the command line."""

from rollout.cli.app import main

if __name__ == "__main__":
    main()
