"""Settings: the only reader of the environment and of the settings file."""

from bridge.settings.loader import LoadedSettings, load_settings, read_settings
from bridge.settings.model import Settings

__all__ = ["LoadedSettings", "Settings", "load_settings", "read_settings"]
