"""Turns and their items: pure functions over records."""
