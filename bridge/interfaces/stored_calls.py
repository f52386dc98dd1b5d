"""Vendor calls that an account defined and stored, as use cases hand them over."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

PLACEHOLDER: Final = re.compile(r"\{([^{}\s]{1,100})\}")
"""A name in braces, which a value replaces."""

PlaceholderValue: TypeAlias = Callable[[str], str | None]
"""From a placeholder's name to its value; None leaves name and braces as they are.

Raises:
    InvalidRequestError: a required value is missing; the message names the parameter.
"""


@dataclass(frozen=True, slots=True)
class CallDefinition:
    """A call in the vendor's own format, as an account wrote it.

    `body` may have placeholders and may be empty; only a backend can read it. `headers`
    are by name in lower case: a backend sends none of them, and may find in them which
    operation is called. `allowed` are operations, by the vendor's names, that may be
    called besides those that change nothing.
    """

    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    allowed: Sequence[str] = ()
