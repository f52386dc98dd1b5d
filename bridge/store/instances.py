"""Instances and their tokens; configurations are stored sealed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    FromClause,
    Row,
    Select,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from bridge.errors import NotFoundError
from bridge.interfaces import Zone
from bridge.store import result_chunks
from bridge.store.database.engine import Database
from bridge.store.database.sql import require_storable
from bridge.store.models import (
    MAX_INTEGER,
    accounts,
    instance_tags,
    instances,
    users,
)
from bridge.store.secrets.key_ring import KeyRing, new_secret


@dataclass(frozen=True, slots=True)
class Instance:
    """One authenticated connection of an element.

    `configuration` holds every supplied key in clear text, `token` the element token;
    a repr shows neither.
    """

    id: int
    name: str
    token: str = field(repr=False)
    element_key: str
    account_id: int
    organization_id: int
    user_id: int
    user_email: str
    user_first_name: str
    user_last_name: str
    tags: tuple[str, ...]
    configuration: Mapping[str, str] = field(repr=False)
    disabled: bool
    created_at: datetime
    zone: Zone | None
    traced_until: datetime | None = None


def select_whole(source: FromClause) -> Select[Any]:
    """Select instances with owner and tags: one row per tag, at least one."""
    owned = source.join(users, users.c.id == source.c.user_id)
    placed = owned.join(accounts, accounts.c.id == source.c.account_id)
    tagged = placed.outerjoin(instance_tags, instance_tags.c.instance_id == source.c.id)
    return (
        select(
            source,
            accounts.c.organization_id,
            users.c.email,
            users.c.first_name,
            users.c.last_name,
            instance_tags.c.tag,
        )
        .select_from(tagged)
        .order_by(source.c.id, instance_tags.c.position)
    )


_BY_TOKEN = select_whole(instances).where(
    instances.c.token_digest == bindparam("digest")
)
_BY_ID = select_whole(instances).where(instances.c.id == bindparam("instance_id"))
_WHAT = "The name or a tag"
_ZONE_COLUMNS = ("zone_url", "zone_ci", "zone_web_url", "zone_database_type")
# Locked, so that a user who is removed or deactivated meanwhile gets no instance.
_ACCOUNT_OF = (
    select(users.c.account_id)
    .where(users.c.id == bindparam("user_id"), users.c.active)
    .with_for_update(read=True)
)


def add_instance(  # noqa: PLR0913 - what an instance is made of, by name
    db: Database,
    *,
    user_id: int,
    element_key: str,
    name: str,
    tags: Sequence[str],
    configuration: Mapping[str, str],
    zone: Zone | None,
) -> Instance:
    """Store a new instance of the user's account, with a fresh token.

    Ids start at 900001 and are never reused; the token is 32 random bytes as base64.

    Raises:
        InvalidRequestError: name or tags hold a character that cannot be stored.
        NotFoundError: the user does not exist or is not active.
    """
    require_storable(_WHAT, name, *tags)
    token = new_secret()
    with db.begin() as connection:
        account_id = connection.execute(_ACCOUNT_OF, {"user_id": user_id}).scalar()
        if account_id is None:
            raise NotFoundError(f"There is no active user {user_id}.")
        row = {
            "account_id": account_id,
            "user_id": user_id,
            **instance_columns(
                db.keys,
                token=token,
                element_key=element_key,
                name=name,
                configuration=configuration,
            ),
            "disabled": False,
            "created_at": datetime.now(UTC),
            **(_zone_columns(zone) if zone else {}),
        }
        statement = insert(instances).values(row).returning(instances.c.id)
        instance_id = int(connection.execute(statement).scalar_one())
        insert_tags(connection, instance_id, tags)
        return _get_whole(connection, db.keys, instance_id)


def instance_columns(
    keys: KeyRing,
    *,
    token: str,
    element_key: str,
    name: str,
    configuration: Mapping[str, str],
) -> dict[str, object]:
    """Return the columns of an instance's properties, with secrets sealed."""
    return {
        "element_key": element_key,
        "sealed_token": keys.seal(token),
        "token_digest": keys.digest(token),
        "sealed_configuration": _seal_configuration(keys, configuration),
        **_name_columns(name),
    }


def find_by_token(db: Database, token: str) -> Instance | None:
    """Return the instance with this token; None when unknown. One SQL statement."""
    with db.read() as connection:
        return read_by_token(connection, db.keys, token)


def read_by_token(connection: Connection, keys: KeyRing, token: str) -> Instance | None:
    """Do what `find_by_token` does over an open connection."""
    rows = connection.execute(_BY_TOKEN, {"digest": keys.digest(token)}).all()
    return read_instance(keys, rows, token) if rows else None


def get_instance(db: Database, instance_id: int) -> Instance | None:
    """Return an instance by id; None when unknown. One SQL statement."""
    if abs(instance_id) > MAX_INTEGER:
        return None
    with db.read() as connection:
        rows = connection.execute(_BY_ID, {"instance_id": instance_id}).all()
    return read_instance(db.keys, rows) if rows else None


def list_zones(db: Database, organization_id: int) -> list[Zone]:
    """Return the zones of an organization's instances. One SQL statement."""
    columns = [instances.c[name] for name in _ZONE_COLUMNS]
    owned = instances.join(accounts, accounts.c.id == instances.c.account_id)
    query = (
        select(*columns)
        .select_from(owned)
        .where(
            accounts.c.organization_id == organization_id,
            instances.c.zone_url.is_not(None),
        )
        .distinct()
    )
    with db.read() as connection:
        rows = connection.execute(query).all()
    return [zone for row in rows if (zone := _read_zone(row))]


def update_instance(  # noqa: PLR0913 - every changeable column, by name
    db: Database,
    instance_id: int,
    *,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    configuration: Mapping[str, str] | None = None,
    zone: Zone | None = None,
    disabled: bool | None = None,
) -> Instance | None:
    """Change the given values and return the instance; None if it does not exist.

    The last writer of a column wins; the token never changes.

    Raises:
        InvalidRequestError: name or tags hold a character that cannot be stored.
    """
    require_storable(_WHAT, name, *(tags or ()))
    changes: dict[str, object] = {}
    if name is not None:
        changes |= _name_columns(name)
    if configuration is not None:
        changes["sealed_configuration"] = _seal_configuration(db.keys, configuration)
    if zone is not None:
        changes |= _zone_columns(zone)
    if disabled is not None:
        changes["disabled"] = disabled
    found = instances.c.id == instance_id
    with db.begin() as connection:
        # Locked first, or two writers of tags could insert the same positions.
        locked = select(instances.c.id).where(found).with_for_update()
        if connection.execute(locked).one_or_none() is None:
            return None
        if changes:
            connection.execute(update(instances).where(found).values(changes))
        if tags is not None:
            of_instance = instance_tags.c.instance_id == instance_id
            connection.execute(delete(instance_tags).where(of_instance))
            insert_tags(connection, instance_id, tags)
        return _get_whole(connection, db.keys, instance_id)


def trace_until(db: Database, instance_id: int, until: datetime | None) -> None:
    """Trace an instance's requests until a time; None stops tracing."""
    changed = update(instances).where(instances.c.id == instance_id)
    with db.begin() as connection:
        connection.execute(changed.values(traced_until=until))


def remove_instance(db: Database, instance_id: int) -> None:
    """Delete an instance with its cached metadata, page positions and job results."""
    result_chunks.delete_of_instance(db, instance_id)
    with db.begin() as connection:
        connection.execute(delete(instances).where(instances.c.id == instance_id))


def _get_whole(connection: Connection, keys: KeyRing, instance_id: int) -> Instance:
    rows = connection.execute(_BY_ID, {"instance_id": instance_id}).all()
    return read_instance(keys, rows)


def read_instance(
    keys: KeyRing, rows: Sequence[Row[*tuple[Any, ...]]], token: str | None = None
) -> Instance:
    """Return the instance in the rows that `select_whole` selected."""
    row = rows[0]
    return Instance(
        id=row.id,
        name=row.name,
        token=keys.open(row.sealed_token) if token is None else token,
        element_key=row.element_key,
        account_id=row.account_id,
        organization_id=row.organization_id,
        user_id=row.user_id,
        user_email=row.email,
        user_first_name=row.first_name,
        user_last_name=row.last_name,
        tags=tuple(each.tag for each in rows if each.tag is not None),
        configuration=json.loads(keys.open(row.sealed_configuration)),
        disabled=row.disabled,
        created_at=row.created_at,
        zone=_read_zone(row),
        traced_until=row.traced_until,
    )


def _read_zone(row: Row[*tuple[Any, ...]]) -> Zone | None:
    if row.zone_url is None:
        return None
    return Zone(
        url=row.zone_url,
        ci=row.zone_ci,
        web_url=row.zone_web_url,
        database_type=row.zone_database_type,
    )


def _zone_columns(zone: Zone) -> dict[str, object]:
    return {
        "zone_url": zone.url,
        "zone_ci": zone.ci,
        "zone_web_url": zone.web_url,
        "zone_database_type": zone.database_type,
    }


def _name_columns(name: str) -> dict[str, object]:
    return {"name": name, "folded_name": name.casefold()}


def _seal_configuration(keys: KeyRing, configuration: Mapping[str, str]) -> bytes:
    return keys.seal(json.dumps(dict(configuration)))


def insert_tags(connection: Connection, instance_id: int, tags: Iterable[str]) -> None:
    """Insert the ordered tags of an instance that has none."""
    rows = [
        {"instance_id": instance_id, "position": position, "tag": tag}
        for position, tag in enumerate(tags)
    ]
    if rows:
        connection.execute(insert(instance_tags), rows)
