"""Mutated homes, and what must hold of every one of them.

`tools/fuzz` runs it for a time, `tests/property/test_fuzz_short.py` for a fixed number of cases.
A case is a number: the same seed and number make the same home.
"""
