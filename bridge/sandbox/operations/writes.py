"""create, update and delete: batches of one type, all or nothing, in one transaction.

Source: SOAP contract notes, section 8 and 14.2. Unverified: an update by id 0 that does
not exist, and an empty batch, which does nothing and succeeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from bridge.sandbox import errors, rules
from bridge.sandbox.data import database, values
from bridge.sandbox.declarations import rule
from bridge.sandbox.errors import BusinessError
from bridge.sandbox.operations.calls import Call
from bridge.sandbox.rules import ticket_category
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.field_validation import validate_fields
from bridge.sandbox.rules.write_transaction import WriteTransaction
from bridge.sandbox.soap.submissions import Submission

# The id of a saved record and its fragment.
SavedRecord: TypeAlias = tuple[int, bytes]


def create(call: Call, submissions: Sequence[Submission]) -> list[SavedRecord]:
    """Create all records and return them; ids that were sent are ignored.

    Raises:
        BusinessError: with the faults of all records; nothing was created.
    """
    with _batch(call, submissions) as batch:
        for sent in submissions:
            submission = ticket_category.with_defaults(batch.write, sent)
            batch.save(submission, None, batch.write.issue_id())
    return batch.saved


def update(call: Call, submissions: Sequence[Submission]) -> list[SavedRecord]:
    """Replace all records and return them.

    Raises:
        BusinessError: with the faults of all records; nothing was changed.
    """
    with _batch(call, submissions) as batch:
        for submission in submissions:
            connection, record_id = batch.write.connection, submission.record_id
            before = database.read(connection, submission.table, record_id)
            if before is None:
                batch.check_faults.append(errors.NO_RECORD)
            else:
                batch.save(submission, before, record_id)
    return batch.saved


def delete(call: Call, submissions: Sequence[Submission]) -> list[SavedRecord]:
    """Delete all records; none of them is returned.

    Raises:
        BusinessError: with the faults of all records; nothing was deleted.
    """
    with _batch(call, submissions) as batch:
        for submission in submissions:
            table, record_id = submission.table, submission.record_id
            entity = table.entity.name
            reason = rules.refuse_delete(batch.write, entity, record_id)
            # Read now: the rules after the deletion need it.
            before = batch.write.read(entity, record_id)
            if reason is not None:
                batch.save_faults += [
                    reason,
                    errors.DELETE_FAILED.format(submission.number),
                ]
            elif not database.delete(batch.write.connection, table, record_id):
                batch.check_faults.append(errors.NO_RECORD_TO_DELETE)
            else:
                rules.after_delete(batch.write, entity, record_id, before)
    return batch.saved


class _Batch:
    """The records of one call, which are saved one by one until one has a fault."""

    def __init__(self, write: WriteTransaction) -> None:
        self.write = write
        self.saved: list[SavedRecord] = []
        self.check_faults: list[str] = []
        self.save_faults: list[str] = []

    def save(
        self,
        submission: Submission,
        before: dict[str, values.Stored | None] | None,
        record_id: int,
    ) -> None:
        """Validate one record, and store it if no record had a fault so far."""
        write = self.write
        draft = validate_fields(write.connection, write.schema, submission, before)
        rules.validate(write, draft)
        self._add_faults(draft)
        if self.check_faults or self.save_faults:
            return
        rules.complete(write, draft)
        put = database.insert if draft.is_new else database.replace
        xml = put(write.connection, draft.table, record_id, draft.stored)
        rules.after_save(write, draft, record_id)
        self.saved.append((record_id, xml))

    @rule(
        "Write",
        "All faults of all records are returned, with the record's number",
        source="clients",
    )
    def _add_faults(self, draft: Draft) -> None:
        number = draft.submission.number
        self.check_faults += [
            errors.AT_RECORD.format(f, number) for f in draft.check_faults
        ]
        self.check_faults += draft.verbatim_faults
        for fault in draft.save_faults:
            self.save_faults.append(fault)
            if not draft.is_new:
                self.save_faults.append(errors.UPDATE_FAILED.format(number))


@rule(
    "Write",
    "A call is one transaction with records of one type: all or nothing",
    source="help",
)
@contextmanager
def _batch(call: Call, submissions: Sequence[Submission]) -> Iterator[_Batch]:
    with call.vendor.database.writing() as connection:
        batch = _Batch(call.begin_write(connection, call.request.operation))
        yield batch
        faults = batch.check_faults + batch.save_faults
        if faults:
            # Raised inside the transaction, so that it rolls back.
            raise BusinessError(*faults, entity=submissions[0].table.entity.name)
