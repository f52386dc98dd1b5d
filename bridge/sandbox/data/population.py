"""A tenant while it is being filled, with its source of random values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from bridge.sandbox.data.dataset import Udf
from bridge.sandbox.facts.model import EntityFacts

Row = dict[str, Any]

API_USER = 17  # Resource.UserType of a login for programs

_FIRST_ID = 29_686_001
_EPOCH = datetime(2019, 1, 7)  # noqa: DTZ001 - service time is naive
_FRACTIONS_MS = (0, 0, 100, 267, 553, 580, 777)


@dataclass(slots=True)
class Population:
    """A tenant while it is being filled.

    `rows` are by entity; `words` are pools of texts, `mail` the domain of its people.
    """

    facts: Mapping[str, EntityFacts]
    random: Random
    mail: str
    udfs: Mapping[str, Sequence[Udf]]
    words: Mapping[str, Sequence[str]]
    rows: dict[str, list[Row]]
    _next_ids: dict[str, int] = field(default_factory=dict)

    def add(self, entity: str, **values: object) -> Row:
        """Add a record under the entity's next free id; None is left out."""
        record_id = self._next_ids.get(entity, _FIRST_ID)
        self._next_ids[entity] = record_id + self.random.randint(1, 4)
        row: Row = {"id": record_id}
        row |= {name: value for name, value in values.items() if value is not None}
        self.rows.setdefault(entity, []).append(row)
        return row

    def pick(self, entity: str, name: str) -> int | str:
        """Return one of the active values of a picklist, typed as its field."""
        (found,) = (f for f in self.facts[entity].fields if f.name == name)
        items = [item.value for item in found.picklist or () if item.is_active]
        value = self.random.choice(items)
        return value if found.type == "string" else int(value)

    def chance(self, percent: int) -> bool:
        """Return True in so many percent of all cases."""
        return self.random.randrange(100) < percent

    def word(self, pool: str) -> str:
        """Return one text of a pool of `words`."""
        return self.random.choice(self.words[pool])

    def moment(self, *, after: datetime = _EPOCH) -> datetime:
        """Return a time in office hours, within the two years after another."""
        day = datetime.combine(after.date(), datetime.min.time())
        return day + timedelta(
            days=self.random.randrange(1, 700),
            minutes=self.random.randrange(8 * 60, 18 * 60),
            seconds=self.random.randrange(60),
            milliseconds=self.random.choice(_FRACTIONS_MS),
        )

    def day(self, *, after: datetime = _EPOCH) -> datetime:
        """Return such a time's midnight, for fields that are dates only."""
        return datetime.combine(self.moment(after=after), datetime.min.time())

    def phone(self) -> str:
        """Return a telephone number from the range reserved for fiction."""
        area = self.random.choice((518, 413, 802))
        return f"{area}-555-{self.random.randrange(100, 200):04d}"

    def money(self, highest: int) -> Decimal:
        """Return a random amount with four decimal places."""
        return Decimal(self.random.randrange(1, highest * 10_000)) / 10_000

    def sellers(self) -> list[int]:
        """Return the active resources that may own accounts: not API users."""
        return [
            row["id"]
            for row in self.rows["Resource"]
            if row["UserType"] != API_USER and row["Active"]
        ]
