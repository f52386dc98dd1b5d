"""A record on its way into the database, with the faults found so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.sandbox.data.schema import Table, quoted
from bridge.sandbox.data.values import Stored
from bridge.sandbox.soap.submissions import Submission


@dataclass(slots=True)
class Draft:
    """A record that is being created or updated.

    `before` is the row as it was, None on create. Values are the stored forms. The
    vendor words its faults in three ways: a check fault is followed by the record's
    number, a verbatim fault names the record itself, and a save fault is followed by a
    second message on update.
    """

    submission: Submission
    before: dict[str, Stored | None] | None
    stored: dict[str, Stored | None] = field(default_factory=dict)
    check_faults: list[str] = field(default_factory=list)
    verbatim_faults: list[str] = field(default_factory=list)
    save_faults: list[str] = field(default_factory=list)

    @property
    def table(self) -> Table:
        """The table the record goes to."""
        return self.submission.table

    @property
    def is_new(self) -> bool:
        """Whether the record is being created."""
        return self.before is None

    def get(self, name: str) -> Stored | None:
        """Return the value that would be stored for a field."""
        return self.stored.get(quoted(name))

    def was(self, name: str) -> Stored | None:
        """Return the value that is stored now, None on create."""
        return self.before.get(quoted(name)) if self.before else None

    def changed(self, *names: str) -> bool:
        """Return whether any of these fields would be stored with another value."""
        return any(self.get(name) != self.was(name) for name in names)

    def put(self, name: str, value: Stored | None) -> None:
        """Set a field that the entity has in this generation; ignore others."""
        if self.table.storage.column(name) is not None:
            self.stored[quoted(name)] = value
