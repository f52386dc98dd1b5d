"""One request to the vendor."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field

from bridge.backends.autotask_soap.encode.requests import NAMESPACE
from bridge.backends.autotask_soap.masking import mask_xml
from bridge.interfaces import Credentials
from bridge.telemetry.redaction import MASK

MAX_REPLY_BYTES = 4_000_000
"""The largest response that is read, decompressed, to an operation not named below."""

MAX_DESCRIPTION_BYTES = 32_000_000
"""The largest description of entities and fields, or markup of an invoice."""

MAX_RECORDS_BYTES = 256_000_000
"""The largest response with records or a file; these are decoded while they arrive."""

_MAX_BYTES = {
    "getattachment": MAX_RECORDS_BYTES,
    "getentityinfo": MAX_DESCRIPTION_BYTES,
    "getfieldinfo": MAX_DESCRIPTION_BYTES,
    "getinvoicemarkup": MAX_DESCRIPTION_BYTES,
    "getudfinfo": MAX_DESCRIPTION_BYTES,
    "query": MAX_RECORDS_BYTES,
}
# Masking shorter ones would garble the ordinary text of a message.
_MIN_SECRET_CHARACTERS = 4

ATTACHMENT = "AttachmentInfo"
"""The entity of attachments, the subject of their three calls."""


@dataclass(frozen=True, slots=True)
class Request:
    """An envelope ready to send, and what error messages need to know about it.

    `subject` is the entity, or empty. `authorization` is empty for operations without
    login. `identified`: the header has an integration code. `secrets` are masked in
    every message. `rows` is the number of records written.
    """

    operation: str
    body: bytes = field(repr=False)
    subject: str = ""
    writes: bool = False
    authorization: str = field(default="", repr=False)
    identified: bool = True
    secrets: tuple[str, ...] = field(default=(), repr=False)
    rows: int = 1

    def __str__(self) -> str:
        return f"{self.operation} of {self.subject}" if self.subject else self.operation

    @property
    def max_reply_bytes(self) -> int:
        """The largest response that is read, in bytes after decompression."""
        # The response to a write has the records that it wrote.
        written = min(MAX_REPLY_BYTES * self.rows, MAX_RECORDS_BYTES)
        return _MAX_BYTES.get(self.operation.lower(), written)

    def clean(self, text: str) -> str:
        """Return a text of the vendor's with the secrets masked that it may repeat."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text

    def shown(self) -> bytes:
        """Return the body as a trace may show it."""
        return mask_xml(self.body.decode("utf-8", "replace")).encode()

    def headers(self) -> dict[str, str]:
        """Return the headers of the request. Source: captured requests, WSDL."""
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{NAMESPACE}{self.operation}"',
            "Accept-Encoding": "gzip",
        }
        if self.authorization:
            headers["Authorization"] = self.authorization
        return headers


def authorized(
    operation: str,
    body: bytes,
    credentials: Credentials,
    *,
    subject: str = "",
    writes: bool = False,
    secret_values: tuple[str, ...] = (),
) -> Request:
    """Return a request in the name of an API user.

    `secret_values` are those of secret fields in the body.
    """
    pair = f"{credentials.username}:{credentials.password}".encode()
    encoded = b64encode(pair).decode("ascii")
    # Pasted by hand, so it may have blanks around it.
    code = credentials.integration_code.strip()
    secrets = (encoded, credentials.password, code, *secret_values)
    return Request(
        operation,
        body,
        subject,
        writes=writes,
        authorization=f"Basic {encoded}",
        identified=bool(code),
        secrets=tuple(text for text in secrets if len(text) >= _MIN_SECRET_CHARACTERS),
    )
