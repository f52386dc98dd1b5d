"""The tokens of CEQL: names, keywords, operators and values, read on demand.

The scanner makes no token list. The same letters are a keyword, a field name or a
value depending on the grammar (`state = OR`, `like like 'x'`), so the parser requests
one kind of token and the scanner tries to read it at its position.

A position is the number of characters before it. Every pattern below runs in time
linear in the length of any text.

Source: elements-api 5.1, with its table of tolerated spellings.
"""

from __future__ import annotations

import re

from bridge.ceql.ast import Literal
from bridge.errors import InvalidQueryError

_SINGLE = "'\u2018\u2019\u201a"  # straight, then curly: left, right, low
_DOUBLE = '"\u201c\u201d\u201e'  # likewise
_QUOTES = _SINGLE + _DOUBLE

NAME = re.compile(r"[^\W\d][\w.\-\[\]*]*")
# Inches are written with a double quote (`24" rack`), so a bare value may hold one.
BAREWORD = re.compile(rf"[^\s(),{_QUOTES}][^\s(),{_SINGLE}]*")
# A plus sign in an unencoded URL arrives as a blank, so a bare timestamp may hold one.
TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+ ]\d\d:?\d\d)?"
    rf"(?=[\s(),{_QUOTES}]|\Z)"
)
_BLANKS = re.compile(r"\s*")
_COMPARISON = re.compile(r"[=!<>]+")
_BACKTICKED_NAME = re.compile(r"`((?:[^`]|``)+)`")
_QUOTE = re.compile(f"[{_QUOTES}]")
_SURPLUS_AT_END = re.compile(rf"[{_QUOTES})]\Z")
_FOUND = re.compile(r"[=!<>]{1,20}|[\w.\-\[\]*]{1,20}|.", re.DOTALL)

# Single quotes close single, double close double. A straight one closes either form; a
# curly one only what a curly one opened: inside straight quotes it is part of the text,
# such as the apostrophe of a name.
_CLOSING = {
    mark: re.compile(mark if mark == kind[0] else f"[{kind}]")
    for kind in (_SINGLE, _DOUBLE)
    for mark in kind
}

# `not` is a field when a complete operator follows it; `not like = 'x'` is a
# negation, for there `like` is the field.
_FIELD_CALLED_NOT = re.compile(
    rf"""
    not \s* (?:
        [=!<>]
      | in \s* \(
      | like (?= [\s{_QUOTES}] ) \s*
        (?: [{_QUOTES}] | (?! (?: like | in | is | not ) \b ) [^\s=!<>(),] )
      | is \s+ (?: not \s+ )? null \b
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Scanner:
    """A filter's text and how far it has been read.

    Methods that return a bool or None read nothing unless they succeed.
    """

    def __init__(self, text: str) -> None:
        self._text = text.rstrip()
        self._position = 0

    @property
    def position(self) -> int:
        """Where the next token begins, blanks skipped."""
        blanks = _BLANKS.match(self._text, self._position)
        return blanks.end() if blanks else self._position

    def symbol(self, character: str) -> bool:
        """Read one character, if it is this one."""
        position = self.position
        if not self._text.startswith(character, position):
            return False
        self._position = position + len(character)
        return True

    def keyword(self, word: str) -> bool:
        """Read one whole keyword, if it is this one in any case."""
        position = self.position
        match = NAME.match(self._text, position)
        if match is None or match.group().upper() != word:
            return False
        self._position = match.end()
        return True

    def negation(self) -> bool:
        """Read `NOT`, unless it is the name of a field here."""
        if _FIELD_CALLED_NOT.match(self._text, self.position):
            return False
        return self.keyword("NOT")

    def comparison(self) -> str | None:
        """Read a run of comparison signs, known operator or not."""
        return self._take(_COMPARISON)

    def field_name(self) -> str:
        """Read a field name; between back-ticks or quotes any character is allowed.

        Raises:
            InvalidQueryError: it is missing, or its closing quote is.
        """
        name = self._take(NAME)
        if name is not None:
            return name
        at = self.position
        opening = self._take(_QUOTE)
        if opening is not None:
            quoted = self._rest_of_quoted(_CLOSING[opening])
            if not quoted.strip():
                raise self.expected("field name", at=at)
            return quoted
        backticked = self._take(_BACKTICKED_NAME)
        if backticked is None:
            raise self.expected("field name")
        return backticked[1:-1].replace("``", "`")

    def literal(self) -> Literal:
        """Read a value, quoted or bare.

        Raises:
            InvalidQueryError: it is missing, or its closing quote is.
        """
        opening = self._take(_QUOTE)
        if opening is not None:
            return Literal(self._rest_of_quoted(_CLOSING[opening]))
        bare = self._take(TIMESTAMP) or self._take(BAREWORD)
        if bare is None:
            raise self.expected("value")
        return Literal(bare, quoted=False)

    def finish(self) -> None:
        """Check that nothing follows but at most one surplus quote or parenthesis.

        Published samples end in one. Source: elements-api 5.1, stray quote.
        """
        self._take(_SURPLUS_AT_END)
        if self.position < len(self._text):
            raise self.expected("AND or OR")

    def expected(self, what: str, *, at: int | None = None) -> InvalidQueryError:
        """Return the error that says what is expected here, and what was found."""
        position = self.position if at is None else at
        found = _FOUND.match(self._text, position)
        instead = f", found {found.group()!r}" if found else ""
        return InvalidQueryError(
            f"Invalid where expression: {what} expected"
            f" at position {position}{instead}.",
            column=position + 1,
        )

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self.position)
        if match is None:
            return None
        self._position = match.end()
        return match.group()

    def _rest_of_quoted(self, closing: re.Pattern[str]) -> str:
        r"""Read up to the closing quote and undo the escapes `''` and `\'`.

        A backslash is an ordinary character, except in a run right before a quote:
        there two stand for one, and an odd one makes the quote part of the text. A
        quote that seemed escaped but is the last character closes the text after all.
        """
        text, position = self._text, self._position
        parts: list[str] = []
        if_closed_here = ""
        while quote := closing.search(text, position):
            at, mark = quote.start(), quote.group()
            plain = text[position:at].rstrip("\\")
            pairs, odd = divmod(at - position - len(plain), 2)
            plain += "\\" * pairs
            doubled = not odd and text.startswith(mark, at + 1)
            if not odd and not doubled:
                self._position = at + 1
                return "".join([*parts, plain])
            if_closed_here = plain + "\\" * odd
            parts.append(plain + mark)
            position = at + 1 + doubled
        if not parts or position < len(text):
            raise self.expected("closing quote", at=len(text))
        self._position = position
        return "".join([*parts[:-1], if_closed_here])
