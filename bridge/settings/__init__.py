"""Settings: the only reader of the environment."""

from bridge.settings.loader import read_settings
from bridge.settings.model import Settings

__all__ = ["Settings", "read_settings"]
