"""How closely a model should look at an image: the one closed set that titles need, too."""

from enum import StrEnum


class ImageDetail(StrEnum):
    """How closely a model should look at an image."""

    AUTO = "auto"
    LOW = "low"
    HIGH = "high"
    ORIGINAL = "original"
