"""UDF definitions and list items are records; writing them changes the metadata."""

import pytest

HOME = '<field>id<expression op="Equals">0</expression></field>'
DEFINITION = (
    "<id>{id}</id><Name>{name}</Name><UdfType>{kind}</UdfType>"
    "<DataType>{data}</DataType><IsActive>{active}</IsActive>"
)
ACCOUNT, CONTACT = 1, 2
TEXT, DATE, LIST, NUMERIC = 1, 2, 3, 4


def definition(name, *, kind=ACCOUNT, data=TEXT, id_=0, active="true"):
    return DEFINITION.format(id=id_, name=name, kind=kind, data=data, active=active)


def define(soap, name, **more):
    record = definition(name, **more)
    (made,) = soap.write("create", "UserDefinedFieldDefinition", record).ids
    return made


def udfs(soap, entity="Account"):
    reply = soap.call("getUDFInfo", f"<psTable>{entity}</psTable>")
    return dict(zip(reply.texts("Name"), reply.texts("Type"), strict=True))


def give(soap, name, value, account=0):
    (row,) = soap.query(
        "Account", f'<field>id<expression op="Equals">{account}</expression></field>'
    ).entities
    needed = ("AccountName", "Phone", "OwnerResourceID", "AccountType")
    return soap.write(
        "update",
        "Account",
        f"<id>{account}</id><UserDefinedFields><UserDefinedField><Name>{name}</Name>"
        f"<Value>{value}</Value></UserDefinedField></UserDefinedFields>"
        + "".join(f"<{field}>{row[field]}</{field}>" for field in needed).replace(
            "& ", "&amp; "
        ),
    )


def values(reply):
    return {
        udf.findtext("{*}Name"): udf.findtext("{*}Value")
        for udf in reply.find_all("UserDefinedField")
    }


def by_udf(soap, name, operator, value):
    return soap.query(
        "Account",
        f'<field udf="true">{name}<expression op="{operator}">{value}</expression>'
        "</field>",
    )


@pytest.mark.parametrize("version", ["1.5", "1.6"])
def test_a_new_udf_holds_values_at_once(fresh, version):
    client = fresh if version == "1.6" else fresh.old
    before = udfs(client)

    define(client, "Bays &lt;3&gt;", data=NUMERIC)
    reply = give(client, "Bays &lt;3&gt;", "12.5")

    assert reply.code == 1, reply.errors
    assert udfs(client) == {**before, "Bays <3>": "double"}
    assert values(client.query("Account", HOME))["Bays <3>"] == "12.5000"
    assert by_udf(client, "Bays &lt;3&gt;", "GreaterThan", "12").ids == [0]
    own = '<field>id<expression op="Equals">29683561</expression></field>'
    others = values(client.query("Account", own))
    assert others["Bays <3>"] is None
    assert set(before) < set(others)


def test_other_tenants_and_entities_do_not_see_it(fresh, other_soap):
    before = udfs(other_soap), udfs(fresh, "Contact")

    define(fresh, "Bays")

    assert (udfs(other_soap), udfs(fresh, "Contact")) == before


def test_the_first_udf_of_an_entity_sets_its_flag(fresh, other_soap):
    def flag():
        reply = other_soap.call("GetEntityInfo")
        flags = reply.texts("HasUserDefinedFields")
        return dict(zip(reply.texts("Name"), flags, strict=True))["InstalledProduct"]

    had = flag()
    define(other_soap, "Rack units", kind=9)

    assert (had, flag()) == ("false", "true")


def test_a_renamed_udf_keeps_its_values(fresh):
    made = define(fresh, "Bays")
    give(fresh, "Bays", "seven")

    renamed = definition("Berths", id_=made)
    assert fresh.write("update", "UserDefinedFieldDefinition", renamed).code == 1

    after = values(fresh.query("Account", HOME))
    assert after["Berths"] == "seven"
    assert "Bays" not in after
    assert give(fresh, "Bays", "x").code == -1


def test_a_seeded_udf_can_be_renamed_too(fresh):
    items = '<field>UdfType<expression op="Equals">1</expression></field>'
    (row, *_) = fresh.query("UserDefinedFieldDefinition", items).entities
    before = values(fresh.query("Account", HOME))
    old = row["Name"]

    record = definition("New name", id_=row["id"], data=row["DataType"])
    assert fresh.write("update", "UserDefinedFieldDefinition", record).code == 1

    after = values(fresh.query("Account", HOME))
    assert after == {
        "New name" if name == old else name: value for name, value in before.items()
    }


def test_an_inactive_udf_is_not_shown(fresh):
    made = define(fresh, "Bays")
    off = definition("Bays", id_=made, active="false")

    fresh.write("update", "UserDefinedFieldDefinition", off)

    assert "Bays" not in udfs(fresh)


def test_a_list_takes_its_items_and_no_others(fresh):
    made = define(fresh, "Tier", data=LIST)
    item = "<id>0</id><UdfFieldId>{}</UdfFieldId><ValueForExport>{}</ValueForExport>"
    item += "<ValueForDisplay>{}</ValueForDisplay><IsActive>true</IsActive>"
    reply = fresh.write(
        "create",
        "UserDefinedFieldListItem",
        item.format(made, "g", "Gold"),
        item.format(made, "s", "Silver"),
    )

    assert len(reply.ids) == 2
    info = fresh.call("getUDFInfo", "<psTable>Account</psTable>")
    assert {"Gold", "Silver"} <= set(info.texts("Label"))
    assert give(fresh, "Tier", "g").code == 1
    assert give(fresh, "Tier", "b").errors == [
        "Picklist value [b] does not exist for Tier. ; on record number [1]."
    ]
    text = define(fresh, "Free")
    refused = fresh.write(
        "create", "UserDefinedFieldListItem", item.format(text, "g", "Gold")
    )
    assert "UdfFieldId" in refused.errors[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data": NUMERIC}, "UdfType and DataType cannot be changed."),
        ({"kind": CONTACT}, "UdfType and DataType cannot be changed."),
    ],
)
def test_entity_and_type_are_for_good(fresh, change, says):
    made = define(fresh, "Bays")

    record = definition("Bays", id_=made, **change)
    reply = fresh.write("update", "UserDefinedFieldDefinition", record)

    assert reply.errors[0] == says


def test_names_are_unique_on_their_entity(fresh):
    define(fresh, "Bays")

    again = fresh.write("create", "UserDefinedFieldDefinition", definition("bays"))
    elsewhere = definition("Bays", kind=CONTACT)

    assert again.errors == ["A UDF bays already exists in the Account Entity."]
    assert fresh.write("create", "UserDefinedFieldDefinition", elsewhere).code == 1


def test_a_failed_batch_defines_nothing(fresh):
    before = udfs(fresh)

    reply = fresh.write(
        "create",
        "UserDefinedFieldDefinition",
        definition("Bays"),
        definition("Bays", kind=99),
    )

    assert reply.code == -1
    assert udfs(fresh) == before


def test_an_entity_has_so_many_udfs_and_no_more(fresh):
    room = 100 - len(udfs(fresh, "Contact"))
    batch = [definition(f"U{number}", kind=CONTACT) for number in range(room)]
    assert fresh.write("create", "UserDefinedFieldDefinition", *batch).code == 1

    one_more = fresh.write(
        "create", "UserDefinedFieldDefinition", definition("V", kind=CONTACT)
    )

    assert one_more.errors == ["The Contact Entity cannot have more than 100 UDFs."]


def test_a_reset_removes_them_and_restarts_their_numbers(fresh):
    first = define(fresh, "Bays")
    give(fresh, "Bays", "seven")
    fresh.session.post(f"{fresh.url}/sandbox/reset").raise_for_status()

    assert "Bays" not in udfs(fresh)
    assert "Bays" not in values(fresh.query("Account", HOME))
    assert define(fresh, "Other", data=NUMERIC) == first
    assert give(fresh, "Other", "9").code == 1
    assert by_udf(fresh, "Other", "LessThan", "10").ids == [0]


def test_definitions_cannot_be_deleted(fresh):
    made = define(fresh, "Bays")

    record = f"<id>{made}</id>"
    assert fresh.write("delete", "UserDefinedFieldDefinition", record).code == -1


def seed(soap, **rows):
    url = f"{soap.url}/sandbox/seed"
    return soap.session.post(url, json={"rows": rows})


def test_a_seeded_definition_takes_effect_at_once(fresh):
    row = {"Name": "Bays", "UdfType": ACCOUNT, "DataType": LIST, "IsActive": True}
    before = udfs(fresh)

    made = seed(fresh, UserDefinedFieldDefinition=[row]).json()["ids"]
    (udf_id,) = made["UserDefinedFieldDefinition"]
    item = {"UdfFieldId": udf_id, "ValueForExport": "g", "ValueForDisplay": "Gold"}
    seed(fresh, UserDefinedFieldListItem=[item | {"IsActive": True}]).raise_for_status()

    assert udfs(fresh) == {**before, "Bays": "string"}
    info = fresh.call("getUDFInfo", "<psTable>Account</psTable>")
    assert "Gold" in info.texts("Label")
    assert give(fresh, "Bays", "g").code == 1
    assert by_udf(fresh, "Bays", "Equals", "g").ids == [0]
    again = row | {"id": udf_id, "Name": "Berths"}
    seed(fresh, UserDefinedFieldDefinition=[again]).raise_for_status()
    assert values(fresh.query("Account", HOME))["Berths"] == "g"
    assert "Bays" not in udfs(fresh)


def test_a_seeded_item_joins_a_list_of_the_start(fresh):
    def labels():
        return fresh.call("getUDFInfo", "<psTable>Account</psTable>").texts("Label")

    lists = '<field>DataType<expression op="Equals">3</expression></field>'
    kind = '<field>UdfType<expression op="Equals">1</expression></field>'
    (one, *_) = fresh.query("UserDefinedFieldDefinition", lists + kind).ids
    item = {"UdfFieldId": one, "ValueForExport": "new", "ValueForDisplay": "New one"}
    before = labels()

    seed(fresh, UserDefinedFieldListItem=[item | {"IsActive": True}]).raise_for_status()

    assert sorted(labels()) == sorted([*before, "New one"])


def test_a_seeded_definition_keeps_entity_and_type(fresh):
    made = define(fresh, "Bays")
    before = udfs(fresh)
    row = {"id": made, "Name": "Bays", "UdfType": CONTACT, "DataType": TEXT}

    refused = seed(fresh, UserDefinedFieldDefinition=[row])

    assert refused.status_code == 400
    assert "UdfType and DataType cannot be changed." in refused.json()["message"]
    assert udfs(fresh) == before


def test_an_inactive_udf_that_is_active_again_has_its_values(fresh):
    made = define(fresh, "Bays")
    give(fresh, "Bays", "seven")

    for active in ("false", "true"):
        record = definition("Bays", id_=made, active=active)
        assert fresh.write("update", "UserDefinedFieldDefinition", record).code == 1

    assert values(fresh.query("Account", HOME))["Bays"] == "seven"
