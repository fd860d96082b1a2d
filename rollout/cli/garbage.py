"""When a process looks for garbage: most of what there is was imported, and is none.

A command that answers and ends would spend a tenth of its time on looking.
"""

from __future__ import annotations

import gc
from typing import Final

_USUAL: Final = gc.get_threshold()


def look_seldom() -> None:
    """Look once tens of thousands of objects have come, as the work may make and a start does not."""
    gc.set_threshold(50_000, 10, 10)


def look_as_usual() -> None:
    """Do as Python does by itself, for what runs for long; what is there now is never looked at."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


def look_no_more() -> None:
    """Leave everything to the end of the process, which gives all memory back at once."""
    gc.freeze()
