"""Shows the stored result of a create to a caller who sends it again."""

from __future__ import annotations

from bridge.errors import BridgeError
from bridge.services.records.creates.create_call import CreateCall
from bridge.services.records.serializer import open_serializer
from bridge.services.records.write_result import WriteResult, decode_result, show


def replay(create: CreateCall, text: str) -> WriteResult:
    """Return a stored result as this call requests it. No vendor call.

    Raises:
        BridgeError: the stored error.
    """
    stored = decode_result(text)
    if isinstance(stored, BridgeError):
        raise stored
    if isinstance(stored, WriteResult):
        return stored
    serializer = open_serializer(create.mapping, create.options, at_hand=True)
    if serializer.labeller:
        # Not into the cache of names: they may have changed since.
        serializer.labeller.names.update(
            {(entity, number): name for entity, number, name in stored.names}
        )
    return show(serializer, stored, replayed=True)
