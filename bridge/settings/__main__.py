"""Print the tables of `docs/settings.md`."""

from bridge.settings.table import describe_old_names, describe_settings

print(describe_settings(), describe_old_names(), sep="\n\n")  # noqa: T201 - its purpose
