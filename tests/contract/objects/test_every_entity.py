"""Every entity of the vendor: made, read, changed, read again, deleted; and refused.

A slice in the first tier, all of them in the campaign. Bodies are made from metadata
alone, as a caller that builds forms from it would make them. What cannot be made so
stands here with its reason, and the campaign prints what it made.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

MOMENT = "2027-01-04T15:00:00+0000"

RULED = {
    "ClientPortalUser": {"password": "Harbor12345"},
    "Contract": {"endDate": "2027-12-31T15:00:00+0000"},
    "Product": {"productAllocationCodeID": 29682840},
    "Ticket": {"dueDateTime": MOMENT, "queueID": 29683354},
    "TicketAdditionalContact": {"ticketID": 29684803, "contactID": 30684247},
    "TimeEntry": {"startDateTime": MOMENT, "hoursWorked": 1.5},
    "UserDefinedFieldListItem": {"udfFieldId": 29686002},
}
"""Requirements of the vendor's rules that its metadata does not contain."""

SLICE = ["Account", "AccountToDo", "ClientPortalUser", "Contract", "Quote", "Ticket"]

TIED = {
    "ContactBillingProductAssociation",
    "InstalledProductBillingProductAssociation",
    "ResourceRoleQueue",
}
"""What can be changed, but in no field that stands by itself."""

MOVING = ("last", "impersonator")
"""Beginnings of members that an update moves by itself, besides read-only times."""


class CannotMakeError(Exception):
    """A record cannot be made; the text says why."""


@dataclass
class Maker:
    """Makes valid records of any entity from its metadata."""

    api: object
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))
    known: dict = field(default_factory=dict)

    def fields(self, entity):
        """Return the standard fields of an entity by name, as callers see them."""
        if entity not in self.known:
            answer = self.api.get(f"/hubs/crm/objects/{entity}/metadata")
            assert answer.status == 200, answer.body
            standard = [f for f in answer.json()["fields"] if not f["custom"]]
            self.known[entity] = {told["path"]: told for told in standard}
        return self.known[entity]

    def body(self, entity):
        """Return the least that a create of the entity needs."""
        body = dict(RULED.get(entity, {}))
        for name, told in self.fields(entity).items():
            if told["vendorRequired"] and told["createable"] and name not in body:
                body[name] = self.value(entity, told, body)
        return body

    def make(self, entity):
        """Create a record and return the response."""
        answer = self.api.call("POST", f"/hubs/crm/{entity}", self.body(entity))
        if answer.status != 200:
            raise CannotMakeError(f"{answer.status} {answer.json()['message']}")
        return answer.json()

    def value(self, entity, told, record):
        """Return a value that a field takes beside the others of the record."""
        if told.get("picklistValues"):
            return self.item(told, record)
        if (entity, told["path"]) == ("ClientPortalUser", "contactID"):
            return self.make("Contact")["id"]
        if "reference" in told:
            return self.record_id(entity, told["reference"])
        number = next(self.numbers)
        if told["type"] == "string":
            return f"Made {number}"[-(told.get("maxLength") or 50) :]
        if told["type"] == "date":
            return MOMENT
        return {"boolean": True, "integer": number % 100, "number": 1.5}[told["type"]]

    def item(self, told, record):
        items = told["picklistValues"]
        if parent := told.get("picklistParent"):
            items = [i for i in items if i["parentValue"] == str(record.get(parent))]
        value = items[0]["value"]
        return int(value) if told["type"] == "integer" else value

    def record_id(self, entity, referenced):
        """Return the id of an active record, created if necessary."""
        answer = self.api.get(f"/hubs/crm/{referenced}?pageSize=200")
        if answer.status != 200:
            raise CannotMakeError(f"{answer.status} {answer.json()['message']}")
        usable = [
            record["id"]
            for record in answer.json()
            if record.get("active", 1) and record.get("isActive", True)
        ]
        if usable:
            return usable[next(self.numbers) % len(usable)]
        if referenced == entity:
            raise CannotMakeError(f"there is no {entity} to refer to")
        return self.make(referenced)["id"]


@pytest.fixture(scope="module")
def maker(api):
    return Maker(api)


@pytest.fixture(scope="module")
def allowed(autotask):
    """What may be done with each entity, by its name."""
    return {info["Name"]: info for info in autotask.getEntityInfo()}


def still(maker, entity, record):
    """Return the members of a record that do not move by themselves."""
    fields = maker.fields(entity).values()
    times = {f["path"] for f in fields if f["type"] == "date" and f["vendorReadOnly"]}
    return {
        name: value
        for name, value in record.items()
        if name not in times and not name.lower().startswith(MOVING)
    }


def change(maker, entity, made):
    """Return a member and another value for it, of a field that stands by itself."""
    for name, told in maker.fields(entity).items():
        tied = {"reference", "picklistValues"} & set(told) or told["type"] == "date"
        if not told["updateable"] or tied or name in RULED.get(entity, {}):
            continue
        if told["type"] == "boolean":
            return name, not made.get(name, False)
        return name, maker.value(entity, told, made)
    return None


def live(maker, api, entity, info):
    """Create, update and delete a record as far as the entity can; return how far."""
    made = maker.make(entity)
    path = f"/hubs/crm/{entity}/{made['id']}"
    if not info["CanQuery"]:
        assert api.get(path).status == 405
        return ["made"]
    assert api.get(path).json() == made
    done = ["made", "read"]

    wanted = change(maker, entity, made) if info["CanUpdate"] else None
    if wanted is not None:
        name, value = wanted
        changed = api.call("PATCH", path, {name: value})
        assert changed.status == 200, (entity, name, value, changed.body)
        changed = changed.json()
        assert changed[name] == value
        expected = still(maker, entity, {**made, name: value})
        assert still(maker, entity, changed) == expected
        assert api.get(path).json() == changed
        done.append("changed")
    else:
        refused = api.call("PATCH", path, {"title": "x"})
        assert info["CanUpdate"] or refused.status == 405

    deleted = api.call("DELETE", path)
    assert (deleted.status == 405) is not info["CanDelete"], (entity, deleted.body)
    if deleted.status == 200:
        assert api.get(path).status == 404
        done.append("deleted")
    return done


@pytest.mark.parametrize("entity", SLICE)
def test_an_entity_is_made_read_changed_and_deleted(api, maker, allowed, entity):
    assert "changed" in live(maker, api, entity, allowed[entity])


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_every_entity_is_made_read_changed_and_deleted(api, maker, allowed):
    lives, refused = {}, {}

    for entity, info in allowed.items():
        try:
            lives[entity] = live(maker, api, entity, info)
        except CannotMakeError as error:
            refused[entity] = str(error)

    for entity, reason in refused.items():
        print(f"{entity}: {reason}")
    steps = [step for life in lives.values() for step in life]
    print({step: steps.count(step) for step in dict.fromkeys(steps)})
    closed = {
        entity
        for entity, info in allowed.items()
        if not info["CanCreate"] or info["UserAccessForCreate"] == "None"
    }
    assert set(refused) == closed
    for entity, reason in refused.items():
        offered = allowed[entity]["CanCreate"]
        assert reason.startswith("403 " if offered else "405 "), (entity, reason)
    for entity, life in lives.items():
        info = allowed[entity]
        assert ("read" in life) is info["CanQuery"]
        can_change = info["CanQuery"] and info["CanUpdate"] and entity not in TIED
        assert ("changed" in life) is can_change, entity
        can_delete = info["CanQuery"] and info["CanDelete"]
        can_delete = can_delete and info["UserAccessForDelete"] != "None"
        assert ("deleted" in life) is can_delete, entity


def wrong(told):
    """Return a value that a field cannot have, and None for one that takes all."""
    if told.get("picklistValues"):
        return "4242424242" if told["type"] == "string" else 424242
    if told["type"] == "string":
        return "x" * (told["maxLength"] + 1) if told.get("maxLength") else None
    return "neither number nor time"


def faulty_create(maker, entity):
    """Return a body that breaks the rules of every field, and who must be named."""
    told = maker.fields(entity).items()
    body = {name: wrong(one) for name, one in told if one["createable"]}
    body = {name: value for name, value in body.items() if value is not None}
    return body, {*body, *(n for n, f in told if f["vendorRequired"] and n != "id")}


def faulty_update(maker, entity):
    """Return the same for a change: what is required is cleared, what stays is set."""
    body = {}
    for name, told in maker.fields(entity).items():
        value = wrong(told)
        if told["createable"] and not told["updateable"]:
            body[name] = 424242
        elif told["updateable"] and (value is not None or told["vendorRequired"]):
            body[name] = value
    return body, set(body)


RENEWAL = {"GetFieldInfo", "getUDFInfo"}


def send_faulty(api, vendor, method, path, body):
    """Send an invalid body, again if picklists were fetched; return the response.

    Picklists of more than some minutes of age are asked for anew, at most once in a
    minute: of two calls one asks for nothing but the record that is to be changed.
    """
    wanted = {"query": 1} if method == "PATCH" else {}
    for _ in range(2):
        vendor.forget()
        answer = api.call(method, path, body)
        asked = vendor.calls()
        if not RENEWAL & set(asked):
            break
        assert {name: n for name, n in asked.items() if name not in RENEWAL} == wanted
    assert asked == wanted, path
    return answer


def refuse(api, maker, vendor, entity):
    """See bodies with every fault refused, field by field, and nothing written."""
    body, named = faulty_create(maker, entity)

    created = send_faulty(api, vendor, "POST", f"/hubs/crm/{entity}", body)

    assert created.status == 400, (entity, created.body)
    message = created.json()["message"]
    assert {name for name in named if f" {name} " not in message} == set(), entity


@pytest.mark.parametrize("entity", SLICE)
def test_every_problem_is_reported_without_a_vendor_call(api, maker, vendor, entity):
    refuse(api, maker, vendor, entity)


@pytest.mark.parametrize("entity", SLICE)
def test_a_fault_of_a_change_is_named_and_nothing_is_written(
    api, maker, vendor, entity
):
    body, named = faulty_update(maker, entity)
    path = f"/hubs/crm/{entity}/{maker.make(entity)['id']}"

    changed = send_faulty(api, vendor, "PATCH", path, body)

    assert changed.status == 400, changed.body
    message = changed.json()["message"]
    assert {name for name in named if f" {name} " not in message} == set()


@pytest.mark.campaign
def test_every_fault_of_every_entity_is_named(api, maker, vendor, allowed):
    for entity, info in allowed.items():
        if info["CanCreate"]:
            refuse(api, maker, vendor, entity)
