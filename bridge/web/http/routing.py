"""A route: the path, view and methods that `bridge.web` adds to the application."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flask import Response

View: TypeAlias = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One path of a view; the endpoint is the view's name unless another is given.

    Page tokens contain the endpoint of their list: renaming it invalidates them.
    """

    path: str
    view: View
    methods: Sequence[str] = ("GET",)
    endpoint: str | None = None
    defaults: Mapping[str, str] | None = None
