"""What a home's own configuration says of new threads and listings: its model and its model provider.

Read once, at the start; a configuration that cannot be understood says nothing.
"""

from __future__ import annotations

from typing import Final

from rollout.appserver.server import ServerSettings
from rollout.errors import RolloutError
from rollout.log.layout import join
from rollout.store.store import Store

_CONFIG: Final = "config.toml"
_LONGEST_BYTES: Final = 1 << 20


def read_settings(store: Store, cwd: str, model: str | None, provider: str | None) -> ServerSettings:
    """Return how a server answers; what is given counts before what the home says."""
    said = _read(store)
    return ServerSettings(
        cwd, model or _text(said.get("model")), provider or _text(said.get("model_provider"))
    )


def _read(store: Store) -> dict[str, object]:
    fs = store.fs
    path = join(store.home, _CONFIG)
    try:
        with fs.open_read(path) as file:
            content = file.read_at(0, _LONGEST_BYTES)
    except RolloutError:
        return {}
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError:
        return {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
