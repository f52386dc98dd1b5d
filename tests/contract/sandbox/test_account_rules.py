"""What tickets, opportunities and quotes refer to belongs to their own account."""

import pytest
from soap_records import made, record

ALBANY, ORGANIC, CAFE = 29683561, 29683577, 29683569  # Organic's parent is Albany
RICK_OF_ALBANY, ZOE_OF_CAFE, RICK_OF_OWN, IDA_OF_OWN = 29684011, 29683603, 4, 29684410
MALLEY_INACTIVE = 29684012
AGAIN = "Error updating entity for record number [1]."
UNFIT = "Value does not reference an existing entity for ContactID."
INACTIVE = (
    "Reference value on field: ContactID of type: Contact does not exist or is "
    "invalid. ; on record number [1]."
)
TICKET = {
    "AccountID": ALBANY,
    "Title": "No dial tone",
    "Status": 1,
    "Priority": 1,
    "DueDateTime": "2021-06-15T16:00:00",
    "QueueID": 29683354,
}
OPPORTUNITY = {
    "AccountID": ALBANY,
    "OwnerResourceID": 4,
    "Title": "Seats",
    "Stage": 29682774,
    "Status": 1,
    "CreateDate": "2021-01-01",
    "ProjectedCloseDate": "2021-02-01",
    "Probability": 1,
    "Amount": 1,
    "Cost": 1,
    "UseQuoteTotals": "false",
}
TO_DO = {
    "AccountID": ALBANY,
    "AssignedToResourceID": 4,
    "ActionType": 1,
    "StartDateTime": "2021-06-14T11:00:00",
    "EndDateTime": "2021-06-14T11:30:00",
}
NOTE = {
    "AccountID": ALBANY,
    "AssignedResourceID": 4,
    "ActionType": 3,
    "StartDateTime": "2021-06-14T11:00:00",
    "EndDateTime": "2021-06-14T11:30:00",
}
ADDITIONAL = "TicketAdditionalContact"


def quote(soap, **more):
    place = made(soap, "QuoteLocation", {"City": "Troy"})
    days = {"EffectiveDate": "2021-06-01", "ExpirationDate": "2021-07-01"}
    places = dict.fromkeys(
        ("BillToLocationID", "ShipToLocationID", "SoldToLocationID"), place
    )
    return {"Name": "Q", **days, **places, **more}


def where(soap, entity, **values):
    return soap.query(
        entity,
        "".join(
            f'<field>{name}<expression op="Equals">{value}</expression></field>'
            for name, value in values.items()
        ),
    )


RECORDS = {
    "Ticket": TICKET,
    "Opportunity": OPPORTUNITY,
    "AccountToDo": TO_DO,
    "AccountNote": NOTE,
}


@pytest.mark.parametrize("entity", RECORDS)
@pytest.mark.parametrize(
    ("contact", "errors"),
    [
        (RICK_OF_ALBANY, []),
        (ZOE_OF_CAFE, [UNFIT]),
        (RICK_OF_OWN, [UNFIT]),
        (MALLEY_INACTIVE, [INACTIVE]),
        (77, [INACTIVE]),
    ],
)
def test_a_contact_of_another_account_is_refused(soap, entity, contact, errors):
    values = RECORDS[entity] | {"ContactID": contact}

    assert soap.write("create", entity, record(values)).errors == errors


@pytest.mark.parametrize("entity", RECORDS)
def test_a_record_cannot_move_away_from_its_contact_s_account(soap, entity):
    values = RECORDS[entity] | {"ContactID": RICK_OF_ALBANY}
    own = made(soap, entity, values)

    moved = soap.write("update", entity, record(values, id=own, AccountID=CAFE))
    without = record(values, id=own, AccountID=CAFE, ContactID=None)
    along = record(values, id=own, AccountID=CAFE, ContactID=ZOE_OF_CAFE)

    assert moved.errors == [UNFIT, AGAIN]
    assert where(soap, entity, id=own).entities[0]["AccountID"] == str(ALBANY)
    assert soap.write("update", entity, along).errors == []
    assert soap.write("update", entity, without).errors == []


@pytest.mark.parametrize(
    ("entity", "errors"),
    [
        ("Ticket", [UNFIT]),
        ("Opportunity", []),
        ("AccountToDo", []),
        ("AccountNote", []),
    ],
)
def test_a_contact_of_the_parent_account(soap, entity, errors):
    values = RECORDS[entity] | {"AccountID": ORGANIC, "ContactID": RICK_OF_ALBANY}

    assert soap.write("create", entity, record(values)).errors == errors


def test_the_parent_s_contact_does_not_fit_the_other_way_round(fresh):
    contact = made(
        fresh,
        "Contact",
        {"AccountID": ORGANIC, "FirstName": "O", "LastName": "R", "Active": 1},
    )

    reply = fresh.write("create", "Opportunity", record(OPPORTUNITY, ContactID=contact))

    assert reply.errors == [UNFIT]


def test_an_unchanged_contact_is_not_validated_again(fresh):
    row = {"id": 29690001, **TICKET, "ContactID": ZOE_OF_CAFE}
    url = f"{fresh.url}/sandbox/seed"
    fresh.session.post(url, json={"rows": {"Ticket": [row]}}).raise_for_status()

    assert fresh.write("update", "Ticket", record(row, Title="Other")).errors == []
    for change in ({"ContactID": RICK_OF_OWN}, {"AccountID": ORGANIC}):
        assert fresh.write("update", "Ticket", record(row | change)).errors == [
            UNFIT,
            AGAIN,
        ]


@pytest.mark.parametrize(
    ("more", "errors"),
    [
        ({"ContactID": ZOE_OF_CAFE}, []),
        ({"ContactID": RICK_OF_ALBANY}, [UNFIT]),
        ({"ContactID": RICK_OF_ALBANY, "AccountID": ALBANY}, []),
        ({"ContactID": RICK_OF_ALBANY, "AccountID": ORGANIC}, []),
        ({"ContactID": ZOE_OF_CAFE, "AccountID": ORGANIC}, [UNFIT]),
    ],
)
def test_a_quote_s_contact_is_of_its_account_or_its_opportunity_s(soap, more, errors):
    values = quote(soap, OpportunityID=29684316, **more)

    assert soap.write("create", "Quote", record(values)).errors == errors


def test_a_quote_cannot_move_away_from_its_contact(soap):
    values = quote(soap, OpportunityID=29684316, ContactID=ZOE_OF_CAFE)
    own = made(soap, "Quote", values)

    moved = record(values, id=own, AccountID=ALBANY)

    assert soap.write("update", "Quote", moved).errors == [UNFIT, AGAIN]


def location(soap, account):
    return where(soap, "AccountPhysicalLocation", AccountID=account).ids[0]


def wrong_location(number):
    return (
        f"The AccountPhysicalLocationID[{number}] cannot be associated with the "
        "Ticket. The Ticket and AccountPhysicalLocation must have the same AccountID."
    )


def test_a_ticket_s_location_is_of_its_account_and_no_other(fresh):
    own, other = location(fresh, ALBANY), location(fresh, ORGANIC)
    ticket = made(fresh, "Ticket", TICKET, AccountPhysicalLocationID=own)

    for given, errors in (
        ({"AccountPhysicalLocationID": own}, []),
        ({"AccountPhysicalLocationID": other}, [wrong_location(other), AGAIN]),
        (
            {"AccountPhysicalLocationID": own, "AccountID": CAFE},
            [wrong_location(own), AGAIN],
        ),
        # The parent's location does not fit either.
        (
            {"AccountPhysicalLocationID": own, "AccountID": ORGANIC},
            [wrong_location(own), AGAIN],
        ),
        ({"AccountPhysicalLocationID": other, "AccountID": ORGANIC}, []),
        ({"AccountPhysicalLocationID": None, "AccountID": CAFE}, []),
    ):
        reply = fresh.write("update", "Ticket", record(TICKET | given, id=ticket))
        assert reply.errors == errors


def test_a_ticket_with_a_wrong_location_cannot_be_saved_at_all(fresh):
    other = location(fresh, CAFE)
    row = {"id": 29690001, **TICKET, "AccountPhysicalLocationID": other}
    url = f"{fresh.url}/sandbox/seed"
    fresh.session.post(url, json={"rows": {"Ticket": [row]}}).raise_for_status()

    reply = fresh.write("update", "Ticket", record(row))

    assert reply.errors == [wrong_location(other), AGAIN]


def test_an_additional_contact_is_of_the_ticket_s_account(fresh):
    ticket = made(fresh, "Ticket", TICKET | {"AccountID": 0, "ContactID": RICK_OF_OWN})

    for contact, errors in (
        (IDA_OF_OWN, []),
        (ZOE_OF_CAFE, [UNFIT]),
        (MALLEY_INACTIVE, [INACTIVE]),
        (RICK_OF_ALBANY, [UNFIT]),
    ):
        values = {"TicketID": ticket, "ContactID": contact}
        assert fresh.write("create", ADDITIONAL, record(values)).errors == errors


def test_a_new_contact_of_a_ticket_is_removed_from_its_additional_ones(fresh):
    values = TICKET | {"AccountID": 0, "ContactID": RICK_OF_OWN}
    ticket = made(fresh, "Ticket", values)
    made(fresh, ADDITIONAL, {"TicketID": ticket, "ContactID": IDA_OF_OWN})

    # An additional contact becomes the ticket's own.
    promoted = record(values | {"ContactID": IDA_OF_OWN}, id=ticket)
    assert fresh.write("update", "Ticket", promoted).errors == []
    assert where(fresh, ADDITIONAL, TicketID=ticket).ids == []

    # The ticket's own contact becomes an additional one.
    made(fresh, ADDITIONAL, {"TicketID": ticket, "ContactID": IDA_OF_OWN})
    assert "ContactID" not in where(fresh, "Ticket", id=ticket).entities[0]
    assert len(where(fresh, ADDITIONAL, TicketID=ticket).ids) == 1


def test_a_ticket_has_thirty_additional_contacts_at_most(fresh):
    person = {"AccountID": 0, "FirstName": "One", "LastName": "Of", "Active": 1}
    contacts = fresh.write("create", "Contact", *[record(person)] * 31).ids
    ticket = made(fresh, "Ticket", TICKET | {"AccountID": 0})
    rows = [record({"TicketID": ticket, "ContactID": contact}) for contact in contacts]

    assert fresh.write("create", ADDITIONAL, *rows).errors == [
        "A ticket cannot have more than 30 additional contacts."
    ]
    assert where(fresh, ADDITIONAL, TicketID=ticket).ids == []
    assert fresh.write("create", ADDITIONAL, *rows[:30]).errors == []
    assert fresh.write("create", ADDITIONAL, rows[30]).code == -1
