"""A TOML table whose unknown keys are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, TypeVar

from bridge.errors import CatalogError

T = TypeVar("T")


class Table:
    """A table of which every key must be read exactly once.

    Args:
        values: the table's members as `tomllib` gives them.
        source: the file, for messages.
        path: the table's own key with a full stop behind it; empty for the file.
    """

    def __init__(
        self, values: Mapping[str, object], source: str, path: str = ""
    ) -> None:
        self._unread = dict(values)
        self._source = source
        self._path = path

    def take(self, key: str, kind: type[T]) -> T:
        """Return the value of a key that must be there.

        Raises:
            CatalogError: it is missing or not of this kind.
        """
        if key not in self._unread:
            self.fail(key, "is missing")
        value = self._unread.pop(key)
        # By type, not isinstance: to Python, true is an integer.
        if type(value) is not kind:
            self.fail(key, f"must be of type {kind.__name__}")
        return value

    def find(self, key: str, kind: type[T]) -> T | None:
        """Return the value of a key that may be absent.

        Raises:
            CatalogError: it is there and not of this kind.
        """
        return self.take(key, kind) if key in self._unread else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of different texts; empty when the key is absent."""
        texts: list[str] = []
        for text in self.find(key, list) or ():
            if not isinstance(text, str):
                self.fail(key, "must hold texts only")
            if text in texts:
                self.fail(key, f"{text!r} occurs twice")
            texts.append(text)
        return tuple(texts)

    def texts_by_name(self, key: str) -> dict[str, str]:
        """Return a table of texts; empty when the key is absent."""
        values = self.find(key, dict) or {}
        inner = Table(values, self._source, f"{self._path}{key}.")
        return {name: inner.take(name, str) for name in values}

    def table(self, key: str) -> Table:
        """Return a table that must be there."""
        return Table(self.take(key, dict), self._source, f"{self._path}{key}.")

    def find_table(self, key: str) -> Table | None:
        """Return a table that may be absent."""
        return self.table(key) if key in self._unread else None

    def find_tables(self, key: str) -> dict[str, Table]:
        """Return the tables within a table that may be absent, by name."""
        return self.tables(key) if key in self._unread else {}

    def tables(self, key: str) -> dict[str, Table]:
        """Return the tables within a table that must be there, by name."""
        values = self.take(key, dict)
        inner = Table(values, self._source, f"{self._path}{key}.")
        return {name: inner.table(name) for name in values}

    def array(self, key: str) -> list[Table]:
        """Return an array of tables that must be there; messages count from 1."""
        entries = enumerate(self.take(key, list), 1)
        values = {f"{key}[{number}]": entry for number, entry in entries}
        inner = Table(values, self._source, self._path)
        return [inner.table(name) for name in values]

    def finish(self) -> None:
        """Check that every key was read.

        Raises:
            CatalogError: a key was not read, so it is unknown.
        """
        for key in self._unread:
            self.fail(key, "is not a known key")

    def fail(self, key: str, problem: str) -> NoReturn:
        """Reject the file because of the value at `key`.

        Raises:
            CatalogError: always.
        """
        raise CatalogError(f"{self._source}: {self._path}{key}: {problem}.")
