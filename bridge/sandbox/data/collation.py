"""How the vendor's database compares texts: without case and trailing blanks.

Unverified: SQL Server's usual collation is assumed, with accents significant.
"""

from __future__ import annotations

from bridge.sandbox.declarations import rule

# Separates the parts of a pattern. XML cannot contain it, so no value does.
PARTS = "\0"

_SOUNDEX = {
    letter: digit
    for digit, letters in {
        "1": "BFPV",
        "2": "CGJKQSXZ",
        "3": "DT",
        "4": "L",
        "5": "MN",
        "6": "R",
    }.items()
    for letter in letters
}
_SOUNDEX_LENGTH = 4


@rule(
    "Query",
    "Texts compare without case, with accents, without trailing blanks",
    source="unverified",
)
def collate(left: str, right: str) -> int:
    """Compare two texts: negative, 0 or positive."""
    first, second = _folded(left), _folded(right)
    return (first > second) - (first < second)


def _folded(text: str) -> str:
    return text.rstrip(" ").casefold()


def matches(text: str | None, pattern: str) -> bool | None:
    """Return whether a text has the parts of a pattern in order, without case.

    The first part begins the text and the last ends it. None for a null text.
    """
    return matches_exactly(text and text.casefold(), pattern.casefold())


def matches_exactly(text: str | None, pattern: str) -> bool | None:
    """Match like `matches`, with case. One pass: no pattern makes it slow."""
    if text is None:
        return None
    head, *middles = pattern.split(PARTS)
    if not middles:
        return text == head
    tail = middles.pop()
    if len(text) < len(head) + len(tail) or not text.startswith(head):
        return False
    position, end = len(head), len(text) - len(tail)
    for part in middles:
        position = text.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return text.endswith(tail)


@rule("Query", "SoundsLike by Soundex", source="unverified")
def soundex(text: str | None) -> str | None:
    """Return a text's Soundex code as SQL Server forms it, `0000` without letters."""
    if text is None:
        return None
    letters = [letter for letter in text.upper() if "A" <= letter <= "Z"]
    if not letters:
        return "0000"
    code, last = letters[0], _SOUNDEX.get(letters[0])
    for letter in letters[1:]:
        digit = _SOUNDEX.get(letter)
        if digit and digit != last:
            code += digit
        # A vowel separates two letters of one digit, H and W do not.
        if letter not in "HW":
            last = digit
    return code[:_SOUNDEX_LENGTH].ljust(_SOUNDEX_LENGTH, "0")
