"""The domains of the catalog. A new one is a line here and one in `sources.py`."""

from __future__ import annotations

from typing import Final

from rollout.catalog.domains import Domain
from rollout.catalog.search_index import SEARCH
from rollout.catalog.spoken import SPOKEN
from rollout.catalog.threads import THREADS
from rollout.catalog.turn_index import TURNS

DOMAINS: Final[tuple[Domain, ...]] = (THREADS, TURNS, SEARCH, SPOKEN)

LISTED: Final = frozenset({"threads", "turns"})
"""The domains that every refresh makes up for where they are due."""
EVERY: Final = frozenset(domain.name for domain in DOMAINS)
