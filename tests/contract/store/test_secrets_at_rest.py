"""No secret can be read from the database without the key ring."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from sqlalchemy import select

from bridge.store.database.database_url import database_url
from bridge.store.database.engine import Database
from bridge.store.instances import add_instance, update_instance
from bridge.store.models import metadata
from bridge.store.organizations import add_tenant, log_in
from bridge.store.result_chunks import Checkpoint, Chunk, Part, save_page

RECORD = '{"id":7,"lastName":"customer-of-a-customer"}'
PASSWORDS = ["password-of-the-user", "password-of-the-api", "code-of-the-integration"]


def put_secrets(db):
    tenant = add_tenant(
        db, organization="x", email="ann@x.example", password=PASSWORDS[0]
    )
    log_in(db, email="typed-in-the-wrong-field", password="x", lifetime_s=60)
    _, bearer = log_in(db, email="ann@x.example", password=PASSWORDS[0], lifetime_s=60)
    instance = add_instance(
        db,
        user_id=tenant.user.id,
        element_key="autotaskcrm",
        name="x",
        tags=[],
        configuration={"crm.autotask.password": PASSWORDS[1]},
        zone=None,
    )
    update_instance(
        db,
        instance.id,
        configuration={"crm.autotask.integration.code": PASSWORDS[2]},
    )
    save_page(
        db,
        Part("job", 0, instance.id, datetime(2126, 1, 2, tzinfo=UTC)),
        Chunk(RECORD.encode(), row_count=1),
        previous=Checkpoint(),
        reached=Checkpoint(1, 7, done=True),
    )
    made = [tenant.user_secret, tenant.organization_secret, bearer, instance.token]
    return [*PASSWORDS, RECORD, "typed-in-the-wrong-field", *made]


def spellings(secret):
    plain = secret.encode()
    return [plain, base64.b64encode(plain).rstrip(b"="), plain.hex().encode()]


def test_no_column_holds_a_secret(db):
    secrets = put_secrets(db)

    with db.read() as connection:
        stored = b"\n".join(
            value if isinstance(value, bytes) else str(value).encode()
            for table in metadata.tables.values()
            for row in connection.execute(select(table))
            for value in row
        )
    assert b"ann@x.example" in stored
    assert not [s for s in secrets for spelling in spellings(s) if spelling in stored]


def test_no_file_of_the_data_directory_holds_a_secret(data_dir, keys):
    db = Database.open(database_url(data_dir, None), keys=keys)
    db.upgrade()
    secrets = put_secrets(db)

    stored = b"".join(path.read_bytes() for path in data_dir.iterdir())
    assert b"ann@x.example" in stored
    assert not [s for s in secrets for spelling in spellings(s) if spelling in stored]
    db.close()
