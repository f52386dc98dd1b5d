"""User-defined fields: which are demanded, what they get left out, how many fit."""

import pytest

ALBANY = 29683561
MISSING = "Value does not exist for the required field {}. ; on record number [1]."
DEFINITION = (
    "<id>{id}</id><Name>{name}</Name><UdfType>{kind}</UdfType><DataType>{data}"
    "</DataType><IsActive>{active}</IsActive><IsRequired>{required}</IsRequired>{more}"
)
ACCOUNT, CONTACT, LOCATION = 1, 2, 10
TEXT, DATE, LIST, NUMERIC = 1, 2, 3, 4
TOO_MANY = "The Contact Entity cannot have more than 100 UDFs."
PERSON = (
    "<Active>1</Active><AccountID>0</AccountID><FirstName>Una</FirstName>"
    "<LastName>Reyes</LastName>"
)
NEW_ACCOUNT = (
    "<id>0</id><AccountName>New</AccountName><Phone>1</Phone><OwnerResourceID>4"
    "</OwnerResourceID><AccountType>1</AccountType>"
)


def definition(name, *, kind=CONTACT, data=TEXT, id_=0, **more):
    return DEFINITION.format(
        id=id_,
        name=name,
        kind=kind,
        data=data,
        active=more.pop("active", "true"),
        required=more.pop("required", "false"),
        more="".join(f"<{member}>{text}</{member}>" for member, text in more.items()),
    )


def define(soap, *definitions):
    reply = soap.write("create", "UserDefinedFieldDefinition", *definitions)
    assert reply.errors == []
    return reply.ids


def given(**udfs):
    members = "".join(
        f"<UserDefinedField><Name>{name.replace('_', ' ')}</Name>"
        f"{'' if text is None else f'<Value>{text}</Value>'}</UserDefinedField>"
        for name, text in udfs.items()
    )
    return f"<UserDefinedFields>{members}</UserDefinedFields>"


def where(soap, entity, name, value):
    field = f'<field>{name}<expression op="Equals">{value}</expression></field>'
    return soap.query(entity, field)


def values(reply):
    return {
        udf.findtext("{*}Name"): udf.findtext("{*}Value")
        for udf in reply.find_all("UserDefinedField")
    }


def person(soap, udfs="", record_id=0):
    verb = "update" if record_id else "create"
    return soap.write(verb, "Contact", f"<id>{record_id}</id>{udfs}{PERSON}")


def udf_info(soap, entity, name):
    infos = soap.call("getUDFInfo", f"<psTable>{entity}</psTable>")
    (found,) = [f for f in infos.find_all("Field") if f.findtext("{*}Name") == name]
    return found


# Which are demanded.


def test_a_site_that_lacks_a_required_udf_cannot_be_saved(fresh):
    (account,) = fresh.write("create", "Account", NEW_ACCOUNT).ids
    (site,) = where(fresh, "AccountLocation", "AccountID", account).ids

    without = fresh.write("update", "AccountLocation", f"<id>{site}</id>")
    blank, empty = (
        fresh.write("update", "AccountLocation", f"<id>{site}</id>{sent}")
        for sent in (given(Site_Access=" "), given(Site_Access=None))
    )
    full = fresh.write(
        "update", "AccountLocation", f"<id>{site}</id>{given(Site_Access='Key 7')}"
    )
    later = fresh.write("update", "AccountLocation", f"<id>{site}</id>")

    for refused in (without, blank, empty):
        assert refused.errors == [MISSING.format("Site Access")]
    assert full.errors == []
    assert later.errors == []
    assert values(where(fresh, "AccountLocation", "id", site))["Site Access"] == "Key 7"


def test_a_udf_of_sites_that_becomes_required_is_demanded(fresh):
    define(fresh, definition("Gate", kind=LOCATION, required="true"))
    (site,) = where(fresh, "AccountLocation", "AccountID", ALBANY).ids

    reply = fresh.write("update", "AccountLocation", f"<id>{site}</id>")

    assert reply.errors == [MISSING.format("Gate")]


def test_other_entities_do_not_demand_them(fresh):
    define(fresh, definition("Badge", required="true"))

    reply = person(fresh, given(Badge=" "))

    assert reply.errors == []
    assert person(fresh, given(Badge=" "), reply.ids[0]).errors == []


@pytest.mark.parametrize("emptied", [None, "", " ", "\n"])
def test_a_required_udf_with_a_value_cannot_be_emptied(fresh, emptied):
    define(fresh, definition("Badge", required="true"), definition("Desk"))
    (contact,) = person(fresh, given(Badge="B1", Desk="D1")).ids

    refused = person(fresh, given(Badge=emptied), contact)
    other = person(fresh, given(Desk=emptied), contact)

    assert refused.errors == [MISSING.format("Badge")]
    assert other.errors == []
    after = values(where(fresh, "Contact", "id", contact))
    assert after["Badge"] == "B1"
    assert (after["Desk"] or "").strip() == ""


# What they get left out.


@pytest.mark.parametrize(
    ("data", "default", "stored"),
    [
        (TEXT, "n/a &amp; none", "n/a & none"),
        (NUMERIC, "2.5", "2.5000"),
        (DATE, "2021-06-14", "2021-06-14T00:00:00"),
    ],
)
@pytest.mark.parametrize("version", ["1.5", "1.6"])
def test_a_udf_that_is_left_out_gets_its_default(fresh, version, data, default, stored):
    client = fresh if version == "1.6" else fresh.old
    define(client, definition("Level", data=data, DefaultValue=default))

    (left_out,) = person(client).ids
    (sent,) = person(client, given(Level=default if data == DATE else "7")).ids
    (emptied,) = person(client, given(Level=None, Newsletter="YES")).ids

    shown = udf_info(client, "Contact", "Level").findtext("{*}DefaultValue")
    assert shown == default.replace("&amp;", "&")
    assert values(where(client, "Contact", "id", left_out))["Level"] == stored
    assert values(where(client, "Contact", "id", sent))["Level"] is not None
    assert values(where(client, "Contact", "id", emptied))["Level"] is None
    assert person(client, "", emptied).code == 1
    assert values(where(client, "Contact", "id", emptied))["Level"] is None


def test_a_udf_without_default_shows_none(soap):
    info = udf_info(soap, "Contact", "Birthday")

    assert info.find("{*}DefaultValue") is None


def test_a_list_s_default_is_one_of_its_items(fresh):
    (made,) = define(fresh, definition("Tier", data=LIST, DefaultValue="s"))
    items = "".join(
        f'<Entity xsi:type="UserDefinedFieldListItem"><id>0</id><UdfFieldId>{made}'
        f"</UdfFieldId><ValueForExport>{item}</ValueForExport><ValueForDisplay>{item}"
        "</ValueForDisplay><IsActive>true</IsActive></Entity>"
        for item in "gs"
    )
    assert fresh.call("create", f"<Entities>{items}</Entities>").code == 1
    define(fresh, definition("Rank", data=LIST, DefaultValue="z"))

    (contact,) = person(fresh).ids

    assert values(where(fresh, "Contact", "id", contact))["Tier"] == "s"
    flags = [
        item.findtext("{*}IsDefaultValue")
        for item in udf_info(fresh, "Contact", "Tier").iter("{*}PickListValue")
    ]
    assert flags == ["false", "true"]


def test_a_new_account_s_site_gets_the_defaults_too(fresh):
    define(fresh, definition("Floor", kind=LOCATION, DefaultValue="Ground"))

    (account,) = fresh.write("create", "Account", NEW_ACCOUNT).ids

    site = where(fresh, "AccountLocation", "AccountID", account)
    assert values(site)["Floor"] == "Ground"


def test_an_edited_default_holds_from_then_on(fresh):
    (made,) = define(fresh, definition("Level", DefaultValue="one"))
    (first,) = person(fresh).ids
    edited = definition("Level", id_=made, DefaultValue="two")

    assert fresh.write("update", "UserDefinedFieldDefinition", edited).code == 1

    (second,) = person(fresh).ids
    assert [
        values(where(fresh, "Contact", "id", contact))["Level"]
        for contact in (first, second)
    ] == ["one", "two"]


@pytest.mark.parametrize(("data", "text"), [(NUMERIC, "many"), (DATE, "soon")])
def test_a_default_must_be_of_the_type(fresh, data, text):
    record = definition("Level", data=data, DefaultValue=text)

    reply = fresh.write("create", "UserDefinedFieldDefinition", record)

    assert reply.errors == ["DefaultValue is not a value of the UDF Level."]


# How many there are.


def room(soap):
    return 100 - len(
        soap.call("getUDFInfo", "<psTable>Contact</psTable>").texts("Name")
    )


def test_one_batch_cannot_define_more_than_there_may_be(fresh):
    space = room(fresh)
    batch = [definition(f"U{number}") for number in range(150)]

    reply = fresh.write("create", "UserDefinedFieldDefinition", *batch)

    assert reply.errors == [TOO_MANY] * (150 - space)
    assert room(fresh) == space


def test_a_full_batch_fits_and_one_more_does_not(fresh):
    space = room(fresh)
    define(fresh, *(definition(f"U{number}") for number in range(space)))

    one_more = fresh.write("create", "UserDefinedFieldDefinition", definition("V"))

    assert room(fresh) == 0
    assert one_more.errors == [TOO_MANY]
    elsewhere = definition("V", kind=ACCOUNT)
    assert fresh.write("create", "UserDefinedFieldDefinition", elsewhere).code == 1


def test_only_active_ones_count(fresh):
    space = room(fresh)
    made = define(fresh, *(definition(f"U{number}") for number in range(space)))
    off = definition("U0", id_=made[0], active="false")
    assert fresh.write("update", "UserDefinedFieldDefinition", off).code == 1

    define(fresh, definition("Asleep", active="false"))
    define(fresh, definition("V"))
    on = definition("U0", id_=made[0])
    refused = fresh.write("update", "UserDefinedFieldDefinition", on)
    renamed = definition("Renamed", id_=made[1])

    assert refused.errors[0] == TOO_MANY
    assert fresh.write("update", "UserDefinedFieldDefinition", renamed).code == 1


@pytest.mark.parametrize(("name", "code"), [("Door Code", 1), ("door code", -1)])
def test_a_udf_is_sought_by_its_exact_name(soap, name, code):
    item = f'<field udf="true">{name}<expression op="IsNotNull"/></field>'

    assert soap.query("Account", item).code == code
