"""Decoders are made one at a time: while msgspec makes one, other threads see the shapes in it half made.

A decoder that another thread makes of the same shapes meanwhile reads what is not there, and the process
dies of it. So no module makes one by itself, nor decodes with a struct's type that has no decoder yet.
"""

from __future__ import annotations

from threading import RLock
from typing import Any, Final, TypeVar, overload

import msgspec

T = TypeVar("T")

_ONE_AT_A_TIME: Final = RLock()


@overload
def make_decoder(shape: type[T]) -> msgspec.json.Decoder[T]: ...
@overload
def make_decoder(shape: Any) -> msgspec.json.Decoder[Any]: ...
def make_decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    """Return a new decoder of a shape, which any thread may decode with, and convert to, once it is made."""
    with _ONE_AT_A_TIME:
        return msgspec.json.Decoder(shape)
