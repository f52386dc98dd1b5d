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
    ctx, instance = create.mapping.ctx, create.mapping.instance
    # This process may never have read the names that the first caller was shown.
    for entity, number, name in stored.names:
        ctx.names.put((instance.id, entity, number), ctx.clock(), name)
    serializer = open_serializer(create.mapping, create.options, at_hand=True)
    return show(serializer, stored, replayed=True)
