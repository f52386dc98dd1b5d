"""The data set `million`: the first tenant of `small` with very many customers.

Rows are generated while they are stored, never all at once, the same ones every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from bridge.sandbox.data.dataset import Dataset, Row

_FIRST_ID = 10_000_000
_SCATTER = 2_654_435_761  # a prime near 2**32 / golden ratio: neighbours differ widely
_BEGINNING = datetime(2015, 1, 5, 8)  # noqa: DTZ001 - service time is naive
_SECONDS = 6 * 365 * 24 * 3600
_OWNERS = (2, 3, 4, 5)
_TYPES = (1, 1, 1, 2, 3, 4, 7)
_CITIES = (
    ("Albany", "NY", "12207"),
    ("Pittsfield", "MA", "01201"),
    ("Burlington", "VT", "05401"),
    ("Keene", "NH", "03431"),
    ("Danbury", "CT", "06810"),
)


@dataclass(frozen=True, slots=True)
class LazyRows:
    """Given rows and then generated ones, by number, up to a total."""

    given: Sequence[Row]
    generate: Callable[[int], Row]
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        numbers = range(self.count - len(self.given))
        return chain(self.given, map(self.generate, numbers))


@dataclass(frozen=True, slots=True)
class CustomerGenerator:
    """Generates accounts and contacts by number, from 0; `words` are pools of texts."""

    words: Mapping[str, Sequence[str]]
    accounts: int

    def account(self, number: int) -> Row:
        """Return one account."""
        # Values by number, not from a generator: rows must not depend on their order.
        draw = number * _SCATTER
        city, state, code = _CITIES[draw % len(_CITIES)]
        name = self._text("last_names", draw)
        created = _moment(draw)
        return {
            "id": _FIRST_ID + number,
            "AccountName": f"{name} & Partners {number:05d}",
            "AccountNumber": f"C-{number:05d}",
            "AccountType": _TYPES[draw % len(_TYPES)],
            "Phone": f"518-555-{number % 10_000:04d}",
            "Address1": f"{1 + draw % 900} {self._text('streets', draw)}",
            "City": city,
            "State": state,
            "PostalCode": code,
            "CountryID": 237,
            "Country": "United States",
            "OwnerResourceID": _OWNERS[draw % len(_OWNERS)],
            "Active": number % 20 != 0,
            "ClientPortalActive": False,
            "TaskFireActive": False,
            "TaxExempt": False,
            "WebAddress": f"https://c{number:05d}.example/",
            "CreateDate": created,
            "LastActivityDate": _after(created, draw),
            "LastTrackedModifiedDateTime": _after(created, draw),
        }

    def contact(self, number: int) -> Row:
        """Return one contact; all accounts have the same number of them."""
        draw = number * _SCATTER
        account = number % self.accounts
        # With one divisor, first names would repeat in step with the other texts.
        first = self._text("first_names", draw)
        last = self._text("last_names", draw // 31)
        created = _moment(draw)
        return {
            "id": _FIRST_ID + number,
            "AccountID": _FIRST_ID + account,
            "FirstName": first,
            "LastName": last,
            "EMailAddress": f"{first[0].lower()}{number:07d}@c{account:05d}.example",
            "Title": self._text("job_titles", draw // 7),
            "Phone": f"518-555-{draw % 10_000:04d}",
            "City": _CITIES[account * _SCATTER % len(_CITIES)][0],
            "CountryID": 237,
            "Active": 0 if number % 10 == 0 else 1,
            "PrimaryContact": number < self.accounts,
            "CreateDate": created,
            "LastModifiedDate": _after(created, draw),
        }

    def _text(self, pool: str, draw: int) -> str:
        texts = self.words[pool]
        return texts[draw % len(texts)]


def million(
    small: Dataset,
    words: Mapping[str, Sequence[str]],
    *,
    contacts: int = 1_000_000,
    accounts: int = 50_000,
) -> Dataset:
    """Return the first tenant of `small` with this total of contacts and accounts."""
    tenant = small.tenants[0]
    own = {name: list(tenant.rows[name]) for name in ("Account", "Contact")}
    customers = CustomerGenerator(words, accounts - len(own["Account"]))
    rows = {
        **tenant.rows,
        "Account": LazyRows(own["Account"], customers.account, accounts),
        "Contact": LazyRows(own["Contact"], customers.contact, contacts),
    }
    return Dataset("million", (replace(tenant, rows=rows),))


def _moment(draw: int) -> datetime:
    return _BEGINNING + timedelta(seconds=draw % _SECONDS)


def _after(moment: datetime, draw: int) -> datetime:
    return moment + timedelta(seconds=draw // 7 % (_SECONDS // 6))
