"""The stages of a write at which the rules of an entity run.

Each stage is a decorator that only marks a function with the entities it is for; the
package's `__init__` lists the modules and runs what is marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, Generic, TypeAlias, TypeVar

from bridge.sandbox.data.database import StoredRow
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.write_transaction import WriteTransaction

_F = TypeVar("_F", bound=Callable[..., Any])


class Stage(Generic[_F]):
    """A decorator for the functions that run at one stage."""

    def __init__(self, name: str) -> None:
        self._mark = f"stage_{name}"

    def __call__(self, *entities: str) -> Callable[[_F], _F]:
        """Mark a function to run for records of these entities."""

        def mark(function: _F) -> _F:
            function.__dict__[self._mark] = entities
            return function

        return mark

    def by_entity(self, modules: Iterable[ModuleType]) -> Mapping[str, tuple[_F, ...]]:
        """Return the marked functions of modules, in the order they are defined."""
        found: dict[str, tuple[_F, ...]] = {}
        for module in modules:
            for function in vars(module).values():
                for entity in getattr(function, self._mark, ()):
                    found[entity] = (*found.get(entity, ()), function)
        return found


_OfDraft: TypeAlias = Callable[[WriteTransaction, Draft], None]

# Runs after the fields were validated; adds faults to the draft.
validates: Stage[_OfDraft] = Stage("validates")
# Runs before a record without faults is stored; sets what the vendor itself sets.
completes: Stage[_OfDraft] = Stage("completes")
# Runs after a record was stored under an id; changes other records.
after_save: Stage[Callable[[WriteTransaction, Draft, int], None]] = Stage("after_save")
# Runs before a record is deleted; returns why it cannot be, or None.
refuses_delete: Stage[Callable[[WriteTransaction, int], str | None]] = Stage(
    "refuses_delete"
)
# Runs after a record was deleted, with its former values; changes other records.
after_delete: Stage[Callable[[WriteTransaction, int, StoredRow], None]] = Stage(
    "after_delete"
)
