"""Objects and fields as callers discover them, against what Autotask says of itself."""

import pytest

RESOURCES = {
    "accounts": "Account",
    "billing-items": "BillingItem",
    "contacts": "Contact",
    "customers": "ClientPortalUser",
    "invoices": "Invoice",
    "leads": "Account",
    "opportunities": "Opportunity",
    "products": "Product",
    "sales-orders": "SalesOrder",
    "tasks": "Task",
    "users": "ClientPortalUser",
}
WHOLE = {"integer", "long", "short"}


def kind(field):
    name = field["Type"].lower()
    if name in WHOLE:
        return "integer"
    if name in {"datetime", "date"}:
        return "date"
    return name if name in {"string", "boolean"} else "number"


@pytest.fixture(scope="module")
def newcomer(api):
    """A caller without any vendor call yet."""
    newcomer = api.connect("Newcomer")
    yield newcomer
    newcomer.disconnect()


def describe(api, name):
    answer = api.get(f"/hubs/crm/objects/{name}/metadata")
    assert answer.status == 200, answer.body
    return answer.json()["fields"]


def assert_same(api, autotask, entity):
    told = describe(api, entity)
    standard = autotask.GetFieldInfo(entity) or []
    own = autotask.getUDFInfo(entity) or []
    assert len(told) == len(standard) + len(own)
    for ours, theirs in zip(told, [*standard, *own], strict=True):
        assert ours["path"].lower().lstrip() == theirs["Name"].lower().lstrip()
        assert ours["type"] == kind(theirs), ours
        assert ours["displayName"] == (theirs["Label"] or theirs["Name"])
        assert ours["vendorReadOnly"] == theirs["IsReadOnly"]
        if ours["path"] != "id" and ours["path"] != "password":
            assert ours["vendorRequired"] == theirs["IsRequired"], ours
        assert ours["filterable"] == theirs["IsQueryable"]
        assert ours.get("maxLength", 0) == (theirs["Length"] or 0)
        reference = theirs["ReferenceEntityType"] if theirs["IsReference"] else None
        assert ours.get("reference") == (reference or None)
        assert ours["custom"] == (theirs in own)
        if theirs["IsPickList"]:
            items = theirs["PicklistValues"]
            items = items["PickListValue"] if items else []
            assert [
                (i["value"], i["displayValue"]) for i in ours["picklistValues"]
            ] == [(i["Value"], i["Label"]) for i in items if i["IsActive"]]
        else:
            assert "picklistValues" not in ours


@pytest.mark.parametrize(
    "entity",
    [
        *("Account", "Task", "Invoice", "Opportunity", "ClientPortalUser"),
        *("Resource", "Product", "BillingItem", "Contact", "SalesOrder"),
    ],
)
def test_fields_are_what_autotask_says(newcomer, autotask, entity):
    assert_same(newcomer, autotask, entity)


@pytest.mark.campaign
def test_fields_of_every_entity_are_what_autotask_says(newcomer, autotask):
    entities = [info["Name"] for info in autotask.getEntityInfo()]
    assert len(entities) > 150

    for entity in entities:
        assert_same(newcomer, autotask, entity)


def test_objects_are_the_resources_and_then_the_entities(api, vendor):
    names = api.get("/hubs/crm/objects").json()
    vendor.forget()

    assert set(names[: len(RESOURCES)]) == set(RESOURCES)
    assert {"Account", "Ticket", "TimeEntry"} < set(names)
    assert len(names) == len(set(names))
    rich = api.get("/objects", headers={"Elements-Version": "helium"}).json()
    assert [item["name"] for item in rich] == names
    told = {item["name"]: (item["vendorName"], item["type"]) for item in rich}
    for name, entity in RESOURCES.items():
        assert told[name] == (entity, "ceCanonical")
    assert told["Ticket"] == ("Ticket", "vendor")
    assert vendor.calls() == {}


@pytest.fixture
def latest(api):
    """A caller of this test's own: fields are fetched again after a minute."""
    latest = api.connect("Latest")
    yield latest
    latest.disconnect()


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource_has_the_fields_of_its_entity(latest, vendor, name):
    fields = describe(latest, name)
    latest.get("/objects")
    vendor.forget()

    assert [f["path"] for f in fields] == [
        f["path"] for f in describe(latest, RESOURCES[name])
    ]
    assert vendor.calls() == {}


def test_the_account_type_is_a_picklist(api):
    field = next(f for f in describe(api, "Account") if f["path"] == "accountType")

    assert field["vendorPath"] == "accountType"
    assert field["vendorNativeType"] == "picklist"
    assert field["type"] == "integer"
    assert {"displayValue": "Customer", "value": "1"} in field["picklistValues"]


def test_only_custom_fields_on_request(api):
    custom = api.get("/objects/Account/metadata?customFieldsOnly=true").json()["fields"]

    assert custom
    assert custom == [f for f in describe(api, "Account") if f["custom"]]
    none = api.get("/objects/Country/metadata?customFieldsOnly=true").json()
    assert none == {"fields": []}


def test_what_may_be_set_when(api):
    fields = {f["path"]: f for f in describe(api, "contacts")}

    def uses(name):
        return fields[name]["createable"], fields[name]["updateable"]

    assert uses("id") == (False, False)
    assert uses("accountID") == (True, False)
    assert uses("createDate") == (False, False)
    assert uses("lastName") == (True, True)
    password = {f["path"]: f for f in describe(api, "users")}["password"]
    assert password["vendorRequired"] is True


def test_the_later_version_has_more_members(api):
    answer = api.get(
        "/objects/contacts/metadata", headers={"Elements-Version": "Helium"}
    )
    fields = {f["path"]: f for f in answer.json()["fields"]}

    assert [name for name, f in fields.items() if f["primaryKey"]] == ["id"]
    assert {"name": "PATCH", "request": False, "response": True} in fields["accountID"][
        "method"
    ]


def test_the_paths_of_an_instance_return_the_same_even_disabled(api, vendor):
    instance = api.line["instanceId"]
    expected = api.get("/objects/accounts/metadata").json()
    names = api.get("/objects").json()
    api.call("DELETE", "/instances/enabled")
    try:
        for prefix in ("", "/hubs/crm", "/instances", f"/instances/{instance}"):
            platform = api.platform if prefix.endswith(str(instance)) else None
            told = api.get(
                f"{prefix}/objects/accounts/metadata", authorization=platform
            )
            assert told.json() == expected
            assert api.get(f"{prefix}/objects", authorization=platform).json() == names
        assert api.get("/accounts").status == 403
        assert api.get("/instance").json()["disabled"] is True
    finally:
        assert api.call("PUT", "/instances/enabled").status == 200


@pytest.mark.parametrize(
    "path", ["/objects/nonsense/metadata", "/objects/x'y/metadata"]
)
def test_an_unknown_object_is_not_found(api, path):
    assert api.get(path).status == 404
