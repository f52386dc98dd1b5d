"""Create one record and read it back."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.services.records.creates import idempotency
from bridge.services.records.creates.create_call import CreateCall, validate
from bridge.services.records.mapping import RecordMapping
from bridge.services.records.parents import ParentLink
from bridge.services.records.serializer import (
    ALL_MEMBERS,
    RecordOptions,
    open_serializer,
)
from bridge.services.records.validation import vendor_values
from bridge.services.records.vendor_records import read_parent
from bridge.services.records.write_result import WriteResult, read_back
from bridge.types import JSON


def create_record(
    mapping: RecordMapping,
    body: Mapping[str, JSON],
    *,
    key: str | None = None,
    options: RecordOptions = ALL_MEMBERS,
    within: ParentLink | None = None,
) -> WriteResult:
    """Create a record and read it back.

    Two vendor calls; none when it repeats a finished create. A child, `within` its
    parent, always costs one more: the parent is read first. `key` is the caller's
    `Idempotency-Key`. `idempotency` says which calls repeat others, which calls store
    anything, and what a key and an unknown outcome cost.

    Raises:
        InvalidRequestError: the body; every problem is named, nothing was created.
            Or the key was used with another body.
        NotFoundError: no such parent.
        ConflictError: an equal create is still running; nothing was sent.
        ProviderRejectedError: Autotask refused; nothing was created.
        ProviderOutcomeUnknownError: sent, and no response came.
    """
    if within is not None:
        body = within.preset(dict(body))
        read_parent(mapping, within)
    create = CreateCall(mapping, body, key, options=options)
    # Without vendor calls, because a create that repeats another needs none.
    attempt = idempotency.begin(validate(create, at_hand=True))
    if attempt.result is not None:
        return attempt.result
    with attempt:
        record = attempt.prepare()
        # Before the send: this may fail, and then nothing has been created.
        serializer = open_serializer(mapping, options)
        attempt.check_send_deadline()
        created = mapping.backend.create(mapping.entity, vendor_values(record))
        notice = "created, but not read back: some members may be missing"
        result = read_back(serializer, created, record, notice)
    attempt.finish(result)
    return result
