"""The catalog: rows computed from rollouts, in one SQLite file that may be deleted at any moment."""
