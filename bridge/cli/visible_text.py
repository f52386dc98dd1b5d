"""Texts as a terminal may show them, whatever is stored in them."""

from __future__ import annotations

import unicodedata

_JOINERS = ("\u200c", "\u200d")  # inside text of some scripts, and in emoji


def visible(text: str) -> str:
    """Return a text with control characters as escapes."""
    return "".join(
        character if _is_printed(character) else ascii(character)[1:-1]
        for character in text
    )


def _is_printed(character: str) -> bool:
    return (
        character.isprintable()
        or character in _JOINERS
        or unicodedata.category(character) == "Zs"
    )
