"""Types that every layer uses; nothing of ours is imported here."""

from __future__ import annotations

from typing import TypeAlias

JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None
"""A value of a JSON document, as the standard library reads it."""
