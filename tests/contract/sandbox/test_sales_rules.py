"""Contracts, contacts, sites: their terms, whom they mean, and what keeps them."""

from dataclasses import replace

import pytest
from soap_records import made, record

ALBANY, TROY, ORGANIC = 29683561, 29683565, 29683577
RICK_OF_ALBANY, MALLEY_INACTIVE = 29684011, 29684012
IN_USE = [
    "The contact is in use and cannot be deleted.",
    "Error deleting entity for record number [1].",
]
WRONG_END = "Contract EndDate must be after StartDate."
CONTACT = {"Active": 1, "AccountID": ALBANY, "FirstName": "Una", "LastName": "Reyes"}


def where(soap, entity, **values):
    items = "".join(
        f'<field>{name}<expression op="Equals">{value}</expression></field>'
        for name, value in values.items()
    )
    return soap.query(entity, items)


def one(soap, entity, record_id):
    (found,) = where(soap, entity, id=record_id).entities
    return found


def udfs(soap, entity, record_id):
    return {
        udf.findtext("{*}Name"): udf.findtext("{*}Value")
        for udf in where(soap, entity, id=record_id).find_all("UserDefinedField")
    }


CONTRACT = {
    "AccountID": ALBANY,
    "ContractName": "Desk",
    "ContractType": 7,
    "StartDate": "2021-01-01T00:00:00",
    "EndDate": "2021-12-31T00:00:00",
    "Status": 1,
    "TimeReportingRequiresStartAndStopTimes": 0,
}


@pytest.mark.parametrize("end", ["2020-12-31", "2021-01-01"])
def test_a_contract_ends_after_it_starts(fresh, end):
    wrong = {"EndDate": f"{end}T00:00:00"}
    contract = made(fresh, "Contract", CONTRACT)

    created = fresh.write("create", "Contract", record(CONTRACT, **wrong))
    updated = fresh.write("update", "Contract", record(CONTRACT, id=contract, **wrong))

    assert created.errors == [WRONG_END]
    assert updated.errors == [WRONG_END, "Error updating entity for record number [1]."]
    assert one(fresh, "Contract", contract)["EndDate"] == "2021-12-31T00:00:00"


def test_a_contract_s_contact_is_found_by_name(fresh):
    contract = made(fresh, "Contract", CONTRACT, ContactName=" rick O'SHEA ")

    row = one(fresh, "Contract", contract)
    assert row["ContactID"] == str(RICK_OF_ALBANY)
    assert row["ContactName"] == "Rick O'Shea"

    echo = record(CONTRACT, id=contract, ContactID=None, ContactName="Rick O'Shea")
    assert fresh.write("update", "Contract", echo).code == 1
    assert "ContactID" not in one(fresh, "Contract", contract)


@pytest.mark.parametrize(
    ("account", "name"),
    [
        (ALBANY, "Nobody &amp; Co"),
        (ORGANIC, "Rick O'Shea"),  # of another account
        (TROY, "Rick Malley"),  # not active
    ],
)
def test_the_name_of_an_unknown_contact_is_stored_in_a_udf(fresh, account, name):
    contract = made(fresh, "Contract", CONTRACT, AccountID=account, ContactName=name)

    row = one(fresh, "Contract", contract)
    assert "ContactID" not in row
    assert "ContactName" not in row
    kept = udfs(fresh, "Contract", contract)["Contact-Old"]
    assert kept == name.replace("&amp;", "&")


def test_a_contact_that_is_given_by_id_stays(fresh):
    other = made(fresh, "Contact", CONTACT)

    contract = made(
        fresh, "Contract", CONTRACT, ContactID=other, ContactName="Rick O'Shea"
    )

    assert one(fresh, "Contract", contract)["ContactID"] == str(other)


TICKET = {
    "AccountID": ALBANY,
    "Title": "No dial tone",
    "Status": 1,
    "Priority": 1,
    "DueDateTime": "2021-06-15T16:00:00",
    "QueueID": 29683354,
}
REFERRING = {
    "Ticket": TICKET,
    "TicketAdditionalContact": {"TicketID": 29684801},
    "ClientPortalUser": {
        "UserName": "una",
        "Password": "abc123",
        "SecurityLevel": 1,
        "DateFormat": 1,
        "TimeFormat": 19,
        "NumberFormat": 22,
        "ClientPortalActive": "true",
    },
    "Opportunity": {
        "AccountID": ALBANY,
        "Title": "Phones",
        "Stage": 29682774,
        "Status": 1,
        "Amount": 1,
        "Cost": 1,
        "Probability": 1,
        "OwnerResourceID": 4,
        "UseQuoteTotals": "false",
        "CreateDate": "2021-06-14T00:00:00",
        "ProjectedCloseDate": "2021-07-14T00:00:00",
    },
    "AccountToDo": {
        "AccountID": ALBANY,
        "AssignedToResourceID": 4,
        "ActionType": 1,
        "StartDateTime": "2021-06-14T11:00:00",
        "EndDateTime": "2021-06-14T11:30:00",
    },
    "Contract": CONTRACT,
}


@pytest.mark.parametrize("entity", REFERRING)
def test_a_contact_in_use_stays(fresh, entity):
    contact = made(fresh, "Contact", CONTACT)
    made(fresh, entity, REFERRING[entity], ContactID=contact)

    reply = fresh.write("delete", "Contact", f"<id>{contact}</id>")

    assert reply.errors == IN_USE
    assert where(fresh, "Contact", id=contact).ids == [contact]


def test_who_a_contract_is_billed_to_stays(fresh):
    contact = made(fresh, "Contact", CONTACT)
    billed = {"BillToAccountID": ALBANY, "BillToAccountContactID": contact}
    made(fresh, "Contract", CONTRACT, **billed)

    assert fresh.write("delete", "Contact", f"<id>{contact}</id>").errors == IN_USE


def test_a_batch_with_one_contact_in_use_deletes_none(fresh):
    free, held = made(fresh, "Contact", CONTACT), made(fresh, "Contact", CONTACT)
    made(fresh, "Ticket", TICKET, ContactID=held)

    batch = [f"<id>{contact}</id>" for contact in (free, held)]
    reply = fresh.write("delete", "Contact", *batch)

    assert reply.errors == [IN_USE[0], IN_USE[1].replace("[1]", "[2]")]
    assert where(fresh, "Contact", id=free).ids == [free]


def test_a_deleted_contact_leaves_its_groups_and_its_notes(fresh):
    contact, other = made(fresh, "Contact", CONTACT), made(fresh, "Contact", CONTACT)
    group = made(fresh, "ContactGroup", {"Name": "News", "Active": "true"})
    for member in (contact, other):
        pair = {"ContactGroupID": group, "ContactID": member}
        made(fresh, "ContactGroupContact", pair)
    note = made(
        fresh,
        "AccountNote",
        {
            "AccountID": ALBANY,
            "ContactID": contact,
            "AssignedResourceID": 4,
            "ActionType": 3,
            "StartDateTime": "2021-06-14T11:00:00",
            "EndDateTime": "2021-06-14T11:30:00",
        },
    )

    assert fresh.write("delete", "Contact", f"<id>{contact}</id>").errors == []

    (left,) = where(fresh, "ContactGroupContact", ContactGroupID=group).entities
    assert left["ContactID"] == str(other)
    assert "ContactID" not in one(fresh, "AccountNote", note)


def test_a_deleted_group_has_no_members(fresh):
    groups = [
        made(fresh, "ContactGroup", {"Name": name, "Active": "true"})
        for name in ("News", "Alerts")
    ]
    for group in groups:
        pair = {"ContactGroupID": group, "ContactID": 4}
        made(fresh, "ContactGroupContact", pair)

    assert fresh.write("delete", "ContactGroup", f"<id>{groups[0]}</id>").code == 1

    (left,) = where(fresh, "ContactGroupContact", ContactID=4).entities
    assert left["ContactGroupID"] == str(groups[1])


def sites(soap, account=ALBANY):
    rows = where(soap, "AccountPhysicalLocation", AccountID=account).entities
    return {int(row["id"]): row["Primary"] for row in rows}


def test_an_account_has_one_primary_site(fresh):
    (first,) = sites(fresh)
    site = {"AccountID": ALBANY, "Name": "Branch"}
    second = made(fresh, "AccountPhysicalLocation", site)
    assert sites(fresh) == {first: "true", second: "false"}

    third = made(fresh, "AccountPhysicalLocation", site, Primary="true")
    assert sites(fresh) == {first: "false", second: "false", third: "true"}

    moved = record(site, id=second, Primary="true")
    assert fresh.write("update", "AccountPhysicalLocation", moved).code == 1
    assert sites(fresh) == {first: "false", second: "true", third: "false"}

    dropped = record(site, id=second, Primary="false")
    assert fresh.write("update", "AccountPhysicalLocation", dropped).code == 1
    assert sites(fresh) == {first: "false", second: "true", third: "false"}


def test_the_primary_site_stays_and_others_go(fresh):
    (first,) = sites(fresh)
    site = {"AccountID": ALBANY, "Name": "Branch"}
    second = made(fresh, "AccountPhysicalLocation", site)

    held, gone = (
        fresh.write("delete", "AccountPhysicalLocation", f"<id>{number}</id>")
        for number in (first, second)
    )

    assert held.errors == [
        "The primary location cannot be deleted.",
        "Error deleting entity for record number [1].",
    ]
    assert gone.code == 1
    assert sites(fresh) == {first: "true"}
    assert len(sites(fresh, TROY)) == 1


def test_an_api_user_who_is_not_active_cannot_log_in(fresh):
    assigned = replace(fresh, username="assigned@bridge-demo.example")
    person = replace(fresh, username="paula@bridge-demo.example")
    user = one(fresh, "Resource", 8)
    kept = {
        name: user[name]
        for name in ("FirstName", "LastName", "Email", "EmailTypeCode", "UserName")
    }
    kept |= {"ResourceType": "Employee", "PayrollType": 1, "NumberFormat": "X,XXX.XX"}

    off = fresh.write("update", "Resource", record(kept, id=8, Active="false"))

    assert off.errors == []
    for client in (fresh, fresh.old, assigned):
        reply = client.call("GetWsdlVersion")
        assert reply.http.status_code == 401
        assert reply.http.headers["Content-Type"] == "text/html"
    wsdl = f"{fresh.url}/ATServices/1.6/atws.wsdl"
    login = (fresh.username, fresh.password)
    assert fresh.session.get(wsdl, auth=login).status_code == 401
    lookup = f"<UserName>{fresh.username}</UserName>"
    assert fresh.call("getZoneInfo", lookup, auth=None).texts("ErrorCode") == ["0"]
    assert person.old.call("GetWsdlVersion").http.status_code == 200
    fresh.session.post(f"{fresh.url}/sandbox/reset").raise_for_status()
    assert fresh.call("GetWsdlVersion").http.status_code == 200
