"""How code declares which rules of the vendor it implements.

`rule` only marks a function and registers nothing. `coverage` makes its table of the
marks of all modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import isclass, isfunction
from types import ModuleType
from typing import Any, Literal, TypeAlias, TypeVar

# Where a rule is known from; `coverage` explains each.
Source: TypeAlias = Literal[
    "help", "captured", "clients", "rest", "stack", "unverified"
]

_F = TypeVar("_F", bound=Callable[..., Any])
_MARK = "declared_rules"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the vendor does; `subject` is an area of the API or an entity."""

    subject: str
    text: str
    source: Source
    implemented: bool = True


def rule(subject: str, text: str, *, source: Source) -> Callable[[_F], _F]:
    """Mark a function or method as the implementation of a rule; it may have several.

    An "unverified" rule is an assumption.
    """

    def mark(function: _F) -> _F:
        # The decorator nearest to the function runs first; the table reads downwards.
        marks = (Rule(subject, text, source), *declared(function))
        function.__dict__[_MARK] = marks
        return function

    return mark


def declared(function: Callable[..., Any]) -> tuple[Rule, ...]:
    """Return the rules that a function is marked with."""
    marks: tuple[Rule, ...] = function.__dict__.get(_MARK, ())
    return marks


def rules_of(module: ModuleType) -> Iterator[Rule]:
    """Yield the rules that a module's functions and methods are marked with."""
    for value in vars(module).values():
        if getattr(value, "__module__", "") != module.__name__:
            continue
        for function in vars(value).values() if isclass(value) else (value,):
            if isfunction(function):
                yield from declared(function)
