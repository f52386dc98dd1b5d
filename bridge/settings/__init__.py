"""Settings: the only reader of the environment.

Every setting is an environment variable, `BRIDGE_` and its name in capitals.
"""

from bridge.settings.environment import read_settings
from bridge.settings.model import Settings

__all__ = ["Settings", "read_settings"]
