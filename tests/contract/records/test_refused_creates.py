"""A refused body writes nothing to the database, unless its key has to replay it."""

import uuid

import pytest
from sqlalchemy import text

from bridge.composition import open_database
from bridge.settings import Settings


@pytest.fixture
def count_records(demo_dir):
    """Count the idempotency records in the database."""

    def count_records():
        database = open_database(Settings(data_dir=demo_dir))
        with database.read() as connection:
            count = connection.execute(text("SELECT count(*) FROM write_intents"))
            number = count.scalar_one()
        database.close()
        return number

    return count_records


@pytest.mark.parametrize(("keyed", "written"), [(False, 0), (True, 1)])
def test_a_refused_body_is_stored_only_by_its_key(
    api, vendor, count_records, keyed, written
):
    body = {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": ""}
    headers = {"Idempotency-Key": uuid.uuid4().hex} if keyed else {}
    # The first refusal reads the metadata, which is cached from then on.
    api.call("POST", "/hubs/crm/contacts", body)
    before = count_records()
    vendor.forget()

    answer = api.call("POST", "/hubs/crm/contacts", body, headers=headers)

    assert answer.status == 400
    assert count_records() == before + written
    assert vendor.calls() == {}
