"""Making and tending families of threads: forks that copy nothing.

Reading *through* a base is part of reading a log and lives in `rollout`; this package
stands on `rollout`, never the reverse.
"""
