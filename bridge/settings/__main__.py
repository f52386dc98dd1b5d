"""Print the README's table of settings."""

from bridge.settings.table import describe_settings

print(describe_settings())  # noqa: T201 - what it is for
