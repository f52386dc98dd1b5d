"""Feed bytes of a reply to lxml, which sees only what a SOAP reply may hold.

Strict on purpose: lxml's `recover` accepts a reply that is cut off. Characters that
XML forbids are removed first, because Autotask sends them; a DTD never reaches the
parser, so that no XML entity (such as `&name;`) is ever declared.
"""

from __future__ import annotations

import re
from typing import Any, Final

from lxml import etree

from bridge.backends.autotask_soap.decode.characters import AllowedCharacters
from bridge.errors import ProviderProtocolError

OPTIONS: Final[dict[str, Any]] = {
    "encoding": "utf-8",
    "resolve_entities": False,
    "no_network": True,
    "huge_tree": True,  # a text may have 12 MB
    "remove_comments": True,
    "remove_pis": True,
    "collect_ids": False,
}
"""For every lxml parser of replies and of callers' XML; `recover` stays off."""

_PROLOG: Final = re.compile(rb"(?s:\s|<!--.*?-->|<\?.*?\?>)*")
_HTML: Final = re.compile(rb"<(?:!doctype\s+)?html\b", re.IGNORECASE)
_MAX_TAG_BYTES: Final = 1 << 10
_MAX_PROLOG_BYTES: Final = 1 << 16


class XmlFeed:
    """Guards one lxml parser.

    Args:
        parser: made with `OPTIONS`.
    """

    def __init__(self, parser: etree.XMLParser) -> None:
        self._parser = parser
        self._characters = AllowedCharacters()
        self._prolog: bytes | None = b""

    def feed(self, data: bytes) -> None:
        """Parse UTF-8 without byte order mark and XML declaration.

        Raises:
            ProviderProtocolError: an HTML page, a DTD, or not well-formed.
        """
        self._parse(self._characters.feed(data))

    def close(self) -> etree._Element:
        """Return the root element once all was fed.

        Raises:
            ProviderProtocolError: as `feed`; also when the document is cut off.
        """
        self._parse(self._characters.close(), final=True)
        try:
            root: etree._Element = self._parser.close()
        except etree.XMLSyntaxError as error:
            # Where nothing was fed, `error.error_log` is that of the parse before, of
            # another reply.
            raise _not_well_formed(self._parser.feed_error_log) from error
        return root

    def _parse(self, data: bytes, *, final: bool = False) -> None:
        if self._prolog is not None:
            data = self._pass_prolog(data, final=final)
        if not data:
            return
        try:
            self._parser.feed(data)
        except etree.XMLSyntaxError as error:
            raise _not_well_formed(error.error_log) from error
        # A reference to an unknown XML entity is only logged by lxml, which would
        # raise it as late as in `close`.
        log = self._parser.feed_error_log
        if len(log) and log.filter_from_errors():
            raise _not_well_formed(log)

    def _pass_prolog(self, data: bytes, *, final: bool) -> bytes:
        """Hold back what comes before the root element until it proves harmless.

        After the root has begun, the parser itself refuses a DTD.
        """
        self._prolog = data = (self._prolog or b"") + data
        prolog = _PROLOG.match(data)
        start = data[prolog.end() if prolog else 0 :]
        if start.startswith((b"<!--", b"<?")):
            if len(data) >= _MAX_PROLOG_BYTES:
                raise ProviderProtocolError("The answer is not a SOAP reply.")
            may_go_on = True
        else:
            is_partial = b">" not in start and len(start) < _MAX_TAG_BYTES
            may_go_on = is_partial and start[:1] in (b"", b"<")
        if may_go_on and not final:
            return b""
        self._prolog = None
        if _HTML.match(start):
            raise ProviderProtocolError("The answer is an HTML page, not a SOAP reply.")
        if start.startswith(b"<!DOCTYPE"):
            raise ProviderProtocolError(
                "The answer holds a DTD, which no SOAP reply may."
            )
        return data


def _not_well_formed(log: etree._ListErrorLog) -> ProviderProtocolError:
    """Return the error for callers: the kind of mistake, without quoting the reply."""
    kind = log.last_error.type_name if log.last_error else "ERR_DOCUMENT_EMPTY"
    kind = kind.removeprefix("ERR_").replace("_", " ").lower()
    return ProviderProtocolError(
        f"The answer is cut off, or not well-formed XML ({kind})."
    )
