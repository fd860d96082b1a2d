"""The benchmark of the read paths: generated threads, rows, peers, one table. Started by `tools/bench`."""
