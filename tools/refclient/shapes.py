"""The one loose type of this package: an object as it came off, or goes onto, the wire."""

from typing import Any, TypeAlias

# Wire objects are recorded as they are, never interpreted deeply; a closed type would be a lie.
JsonObject: TypeAlias = dict[str, Any]
