"""How hard the property tests look: the same cases every time, and no clock.

`pytest --hypothesis-profile=search tests/property` looks for new ones.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("rollout", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("search", deadline=None, max_examples=3000)
settings.load_profile("rollout")
