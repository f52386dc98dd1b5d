"""Errors of steps and workflows, as the engine stores them.

The engine's portable format stores the name of an exception's class, its text and its
attribute `data`, and restores each as a PortableWorkflowError. What `data` holds is
turned into an error of ours again, in this process and in every later one.

Source: dbos 3.4, `_serialization.py`.
"""

from __future__ import annotations

from typing import cast

from dbos import PortableWorkflowError

from bridge.errors import BridgeError, decode_error, encode_error, find_error_class


class StoredError(Exception):
    """A BridgeError on its way through the engine."""

    def __init__(self, error: BridgeError) -> None:
        super().__init__(error.message)
        self.data = encode_error(error)


def restore(raised: Exception) -> BridgeError | None:
    """Return the error that a step or a workflow raised; None if it was not ours.

    Release 0.4.0 and older ones stored our errors without `data`.
    """
    if isinstance(raised, StoredError):
        return decode_error(raised.data)
    if not isinstance(raised, PortableWorkflowError):
        return None
    if raised.name == StoredError.__name__:
        return decode_error(cast("dict[str, str | None]", raised.data))
    if find_error_class(raised.name) is None:
        return None
    return decode_error(
        {"error": raised.name, "message": raised.message, "provider_message": None}
    )
