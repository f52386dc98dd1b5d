"""Moving in: organizations, users and instances out of one JSON document.

Its shape is in docs/moving-in.md. Everything is read and judged before anything is
written; what is wrong is named by its place in the document, never by a value that
could be a secret.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import orjson

from bridge.catalog.model import Element
from bridge.errors import InvalidRequestError
from bridge.services.context import Context
from bridge.services.credentials import read_credentials
from bridge.services.instances.bodies import (
    MASK,
    read_configuration,
    read_name,
    read_tags,
    require_keys,
)
from bridge.services.times import read_time
from bridge.store import importing
from bridge.store.database.sql import is_storable
from bridge.store.importing import (
    ImportedInstance,
    ImportedOrganization,
    ImportedUser,
    ImportResult,
)
from bridge.types import JSON

MAX_ID = 2_000_000_000
"""Leaves room for the ids that are given out above the largest one brought."""

T = TypeVar("T")


def import_document(ctx: Context, document: bytes, *, check: bool) -> ImportResult:
    """Take over everything in a document, or nothing; no vendor call.

    Done again, it adds what is new and leaves what is there. With `check` all of it
    is tried and nothing kept.

    Raises:
        InvalidRequestError: the document; every mistake is named with its place.
        ConflictError: something of it belongs to something else here; all are named.
    """
    return importing.import_organizations(
        ctx.database, read_document(ctx, document), check=check
    )


def read_document(ctx: Context, document: bytes) -> list[ImportedOrganization]:
    """Return what a document brings.

    Raises:
        InvalidRequestError: with every mistake in it.
    """
    try:
        root = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(
            f"This is no JSON: line {error.lineno}, column {error.colno}."
        ) from None
    reading = _Reading(ctx)
    found = reading.all(_Node(root, ""), "organizations", reading.organization)
    reading.check_duplicates(found)
    if reading.problems:
        raise InvalidRequestError(" ".join(reading.problems))
    return found


@dataclass(frozen=True, slots=True)
class _Node:
    """A value of the document and where it stands."""

    value: JSON = field(repr=False)
    place: str


class _Reading:
    """Reads nodes; mistakes are collected, and a wrong value reads as an empty one."""

    def __init__(self, ctx: Context) -> None:
        self.problems: list[str] = []
        self._ctx = ctx

    def organization(self, node: _Node) -> ImportedOrganization:
        self._check_members(node, "id accountId name secret users instances")
        users = self.all(node, "users", self._user)
        emails = {importing.fold_email(user.email) for user in users}

        def instance(child: _Node) -> ImportedInstance:
            read = self._instance(child)
            if importing.fold_email(read.email) not in emails:
                self._add_problem(child, "user must be the email of a user beside it")
            return read

        return ImportedOrganization(
            id=self._id(node, "id"),
            secret=self._text(node, "secret"),
            name=self._text(node, "name"),
            account_id=self._id(node, "accountId"),
            users=users,
            instances=self.all(node, "instances", instance),
        )

    def all(self, node: _Node, name: str, read: Callable[[_Node], T]) -> list[T]:
        """Return the members of a list, each read; one that is no object is wrong."""
        value = self._member(node, name)
        if not isinstance(value, list):
            self._add_problem(node, f"{name} must be a list")
            return []
        prefix = f"{node.place}." if node.place else ""
        children = [
            _Node(child, f"{prefix}{name}[{position}]")
            for position, child in enumerate(value)
        ]
        return [read(child) for child in children]

    def check_duplicates(self, organizations: list[ImportedOrganization]) -> None:
        """Refuse an id, a secret, a token or an address that stands there twice."""
        for what, values in _unique(organizations):
            duplicates = [
                value for value, count in Counter(values).items() if count > 1
            ]
            if duplicates and what in _SECRET:
                self.problems.append(f"The same {what} stands there twice.")
            elif duplicates:
                named = ", ".join(map(str, duplicates))
                self.problems.append(f"The same {what} stands there twice: {named}.")

    def _user(self, node: _Node) -> ImportedUser:
        self._check_members(node, "id email password secret firstName lastName")
        return ImportedUser(
            id=self._id(node, "id"),
            secret=self._text(node, "secret"),
            email=self._text(node, "email"),
            password=self._text(node, "password", needed=False) or None,
            first_name=self._text(node, "firstName", needed=False),
            last_name=self._text(node, "lastName", needed=False),
        )

    def _instance(self, node: _Node) -> ImportedInstance:
        self._check_members(
            node,
            "id token user element name tags configuration disabled createdDate",
        )
        name = self._try(node, lambda: read_name(self._member(node, "name"))) or ""
        tags = self._member(node, "tags")
        disabled = self._member(node, "disabled") or False
        if not isinstance(disabled, bool):
            self._add_problem(node, "disabled must be true or false")
        element = self._element(node)
        return ImportedInstance(
            id=self._id(node, "id"),
            token=self._text(node, "token"),
            email=self._text(node, "user"),
            element_key=element.key if element else "",
            name=name or self._text(node, "name"),
            tags=[name]
            if tags is None
            else self._try(node, lambda: read_tags(tags)) or [],
            configuration=self._configuration(node, element),
            disabled=bool(disabled),
            created_at=self._created(node),
        )

    def _element(self, node: _Node) -> Element | None:
        key = self._text(node, "element", needed=False) or "autotaskcrm"
        found = self._ctx.elements.get(key)
        if found is None:
            self._add_problem(node, f"there is no element {key[:80]}")
        return found

    def _configuration(self, node: _Node, element: Element | None) -> dict[str, str]:
        read = self._try(
            node, lambda: read_configuration(self._member(node, "configuration"))
        )
        if not read or element is None:
            self._add_problem(node, "configuration must hold the keys of the element")
            return {}
        secret = (key.key for key in element.configuration if key.secret)
        if masked := [key for key in secret if read.get(key) == MASK]:
            self._add_problem(
                node, f"{', '.join(masked)} is masked: its value is needed"
            )

        def check() -> bool:
            require_keys(element, read)
            read_credentials(self._ctx, read)
            return True

        self._try(node, check)
        return read

    def _created(self, node: _Node) -> datetime | None:
        text = self._text(node, "createdDate", needed=False)
        return self._try(node, lambda: read_time(text)) if text else None

    def _id(self, node: _Node, name: str) -> int | None:
        value = self._member(node, name)
        if isinstance(value, str) and re.fullmatch(r"\d{1,10}", value, re.ASCII):
            value = int(value)
        if value is None or (
            isinstance(value, int)
            and not isinstance(value, bool)
            and 1 <= value <= MAX_ID
        ):
            return value
        self._add_problem(node, f"{name} must be a number from 1 to {MAX_ID}")
        return None

    def _text(self, node: _Node, name: str, *, needed: bool = True) -> str:
        value = self._member(node, name)
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or not is_storable(value):
            self._add_problem(node, f"{name} must be a text")
            return ""
        if needed and not value.strip():
            self._add_problem(node, f"{name} must not be empty")
        return value.strip() if name in _TRIMMED else value

    def _member(self, node: _Node, name: str) -> JSON:
        return node.value.get(name) if isinstance(node.value, dict) else None

    def _check_members(self, node: _Node, names: str) -> None:
        """Refuse what is no object, and members that would be forgotten in silence."""
        if not isinstance(node.value, dict):
            self._add_problem(node, "must be an object")
            return
        if unknown := sorted(set(node.value) - set(names.split())):
            self._add_problem(node, f"unknown members: {', '.join(unknown)[:200]}")

    def _try(self, node: _Node, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except InvalidRequestError as error:
            self._add_problem(node, error.message.rstrip("."))
        except ValueError as error:
            self._add_problem(node, str(error))
        return None

    def _add_problem(self, node: _Node, what: str) -> None:
        self.problems.append(f"{node.place or 'document'}: {what}.")


_TRIMMED = frozenset({"email", "user", "secret", "token", "name"})
_SECRET = frozenset({"secret", "token"})


def _unique(
    organizations: list[ImportedOrganization],
) -> Iterator[tuple[str, Sequence[object]]]:
    users = [user for one in organizations for user in one.users]
    instances = [instance for one in organizations for instance in one.instances]
    secrets = [one.secret for one in organizations if one.secret]
    secrets += [one.secret for one in users if one.secret]
    yield "secret", secrets
    yield "token", [one.token for one in instances if one.token]
    yield "email", [importing.fold_email(one.email) for one in users]
    yield "organization id", [one.id for one in organizations if one.id]
    yield "user id", [one.id for one in users if one.id]
    yield "instance id", [one.id for one in instances if one.id]
    yield "accountId", [one.account_id for one in organizations if one.account_id]
