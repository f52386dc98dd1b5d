"""query: operators, logic, limits, paging and the exact form of responses."""

import re

import pytest

FIRST_NEW_ID = 29_700_000
NO_NUMBER = "Conversion failed when converting varchar '{}' to data type int"


def field(name, op, value="", udf=""):
    udf = ' udf="true"' if udf else ""
    return f'<field{udf}>{name}<expression op="{op}">{value}</expression></field>'


def contact(first, last, **more):
    members = {"Active": "1", "AccountID": "0", "FirstName": first, "LastName": last}
    members |= more
    return "<id>0</id>" + "".join(
        f'<{name} xsi:type="xsd:string">{value}</{name}>'
        for name, value in members.items()
    )


def test_one_account_is_on_one_line_with_exact_types(soap):
    reply = soap.query("Account", field("id", "Equals", 0))

    text = reply.http.text
    assert "\n" not in text
    assert text.startswith(
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope '
        'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
        '<queryResponse xmlns="http://autotask.net/ATWS/v1_6/"><queryResult>'
        "<ReturnCode>1</ReturnCode><EntityResults>"
        '<Entity xsi:type="Account"><id>0</id><UserDefinedFields'
    )
    assert text.endswith(
        "</EntityResults><EntityResultType>account</EntityResultType><Errors />"
        "<EntityReturnInfoResults><EntityReturnInfo><EntityId>0</EntityId>"
        "<DatabaseAction>None</DatabaseAction><DuplicateStatus><Found>false</Found>"
        "<Ignored>false</Ignored></DuplicateStatus></EntityReturnInfo>"
        "</EntityReturnInfoResults></queryResult></queryResponse>"
        "</soap:Body></soap:Envelope>"
    )
    assert '<AccountType xsi:type="xsd:short">' in text
    assert re.search(r'<CreateDate xsi:type="xsd:dateTime">[0-9T:.-]+</', text)
    assert reply.http.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert reply.http.headers["Cache-Control"] == "private, max-age=0"


def test_no_match_is_an_empty_success(soap):
    reply = soap.query("Opportunity", field("Title", "Equals", "No such deal"))

    assert reply.http.text.partition("<queryResult>")[2].startswith(
        "<ReturnCode>1</ReturnCode><EntityResults /><EntityResultType>opportunity"
        "</EntityResultType><Errors /><EntityReturnInfoResults /></queryResult>"
    )


def test_a_query_without_items_has_return_code_0(soap):
    reply = soap.query("Account", "")

    assert (reply.code, reply.ids, reply.errors) == (0, [], [])


@pytest.fixture
def people(soap):
    """Contacts to filter by every operator; the first letters of their names by id."""
    there = soap.query("Contact", field("LastName", "Equals", "Zz-Ops")).ids
    if there:
        return dict(zip(there, "OBCD", strict=True))
    records = [
        contact("Óscar", "Zz-Ops", Phone="518 ", Note="rot", City="Troy"),
        contact("Bea", "Zz-Ops", Phone="", Note="a%c"),
        contact("Cal", "Zz-Ops", City="Tróy", NamePrefix="1"),
        contact("Dot", "zz-ops", City="Albany", Note="abc"),
    ]
    reply = soap.write("create", "Contact", *records)
    return dict(zip(reply.ids, "OBCD", strict=True))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (field("LastName", "Equals", "ZZ-OPS  "), "OBCD"),
        (field("FirstName", "equals", "óSCAR"), "O"),
        (field("FirstName", "Equals", "oscar"), ""),
        (field("FirstName", "NotEqual", "bea"), "OCD"),
        (field("firstname", "GreaterThan", "bea"), "OCD"),
        (field("FirstName", "LessThan", "cal"), "B"),
        (field("FirstName", "GreaterThanorEquals", "cal"), "OCD"),
        (field("FirstName", "LessThanOrEquals", "CAL"), "BC"),
        (field("City", "BeginsWith", "tr"), "OC"),
        (field("City", "EndsWith", "NY"), "D"),
        (field("City", "Contains", "ban"), "D"),
        (field("City", "NotEqual", "Troy"), "CD"),
        (field("Note", "Like", "a%"), "BD"),
        (field("Note", "Like", "%C"), "BD"),
        (field("Note", "Like", "a_c"), ""),
        (field("Note", "NotLike", "a%"), "O"),
        (field("FirstName", "SoundsLike", "Kal"), ""),
        (field("FirstName", "SoundsLike", "Call"), "C"),
        (field("Phone", "IsNull"), "BCD"),
        (field("Phone", "IsNotNull"), "O"),
        (field("NamePrefix", "IsNull"), "OBD"),
        (field("NamePrefix", "IsNotNull"), "C"),
        (field("Active", "Equals", "1"), "OBCD"),
        (field("CreateDate", "GreaterThan", "2020-01-01T00:00:00"), "OBCD"),
        (field("CreateDate", "LessThan", "2020-01-01 00:00:00.000"), ""),
        (field("PrimaryContact", "Equals", "0"), "OBCD"),
        (field("PrimaryContact", "NotEqual", "false"), ""),
    ],
)
def test_operators(soap, people, items, expected):
    items = field("LastName", "Equals", "Zz-Ops") + items
    items += field("id", "GreaterThan", FIRST_NEW_ID - 1)

    reply = soap.query("Contact", items)

    assert "".join(people[record_id] for record_id in reply.ids) == expected


def test_siblings_join_left_to_right_without_precedence(soap, people):
    def cond(operator, *items):
        return f'<condition operator="{operator}">{"".join(items)}</condition>'

    ops = field("LastName", "Equals", "Zz-Ops")
    # (O or B) and C: nothing; with SQL's precedence it would be O.
    items = (
        field("FirstName", "Equals", "Óscar")
        + cond("OR", field("FirstName", "Equals", "Bea"))
        + field("FirstName", "Equals", "Cal")
    )
    # (O and C) or B, and then all of it and last name.
    others = (
        field("FirstName", "Equals", "Óscar")
        + field("FirstName", "Equals", "Cal")
        + cond("OR", field("FirstName", "Equals", "Bea"))
        + ops
    )
    first_or = cond("OR", field("FirstName", "Equals", "Bea")) + ops

    assert soap.query("Contact", items).ids == []
    assert [people[i] for i in soap.query("Contact", others).ids] == ["B"]
    assert [people[i] for i in soap.query("Contact", first_or).ids] == ["B"]


def test_several_expressions_in_a_field_are_alternatives(soap, people):
    two = (
        '<field>\n  firstname\n  <expression op="Equals">Bea</expression>'
        '<expression op="Equals">Dot</expression></field>'
    )

    reply = soap.query("Contact", two + field("LastName", "Equals", "Zz-Ops"))

    assert [people[i] for i in reply.ids] == ["B", "D"]


def test_is_this_day_and_offsets(soap, people):
    created = soap.query("Contact", field("LastName", "Equals", "Zz-Ops")).entities
    day = created[0]["CreateDate"][:10]
    items = field("CreateDate", "IsThisDay", f"{day}T15:00:00")
    items += field("LastName", "Equals", "Zz-Ops")

    assert set(people) <= set(soap.query("Contact", items).ids)
    early = field("CreateDate", "LessThan", "2000-01-01T00:00:00-05:00")
    assert soap.query("Contact", early).ids == []


def test_five_hundred_records_and_no_more(fresh):
    for start in range(0, 520, 130):
        records = [contact(f"P{start + n}", "Paging") for n in range(130)]
        assert fresh.write("create", "Contact", *records).code == 1
    paging = field("LastName", "Equals", "Paging")

    first = fresh.query("Contact", paging).ids
    rest = fresh.query("Contact", paging + field("id", "GreaterThan", first[-1])).ids

    assert (len(first), len(rest)) == (500, 20)
    assert first + rest == sorted({*first, *rest})


def test_five_hundred_or_conditions_and_no_more(soap):
    def ors(number):
        one = '<condition operator="OR">' + field("id", "Equals", 0) + "</condition>"
        return soap.query("Account", one * number)

    assert ors(500).ids == [0]
    assert ors(501).errors == [
        "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions."
    ]
    many = "".join(f'<expression op="Equals">{n}</expression>' for n in range(500))
    assert 0 in soap.query("Account", f"<field>id{many}</field>").ids
    assert soap.query("Account", field("id", "GreaterThan", -1) * 3000).code == 1


def test_nesting_that_the_database_cannot_hold_is_refused(soap):
    item = field("id", "GreaterThan", -1)
    for _ in range(12):
        item = f'{field("id", "Equals", 0)}<condition operator="OR">{item}</condition>'
    assert 0 in soap.query("Account", item).ids
    for _ in range(80):
        item = f'{field("id", "Equals", 0)}<condition operator="OR">{item}</condition>'
    assert "nested too deeply" in soap.query("Account", item).errors[0]


SYNTAX = "Invalid query syntax. "


@pytest.mark.parametrize(
    ("entity", "items", "message"),
    [
        (
            "Account",
            field("CompanyName", "Equals", "x"),
            "Unable to find CompanyName in the Account Entity.",
        ),
        (
            "account",
            field("siccode", "Equals", "x"),
            "SICCode is not queryable in the Account Entity.",
        ),
        ("Nothing", field("id", "Equals", "1"), "Unable to find entity Nothing."),
        ("", field("id", "Equals", "1"), SYNTAX),
        ("Account", "<field>id</field>", SYNTAX + "Field id has no expression."),
        (
            "Account",
            "<field>id<expression>1</expression></field>",
            SYNTAX + "An expression of id has no op.",
        ),
        (
            "Account",
            field("id", "StartsWith", "1"),
            SYNTAX + "Unknown operator startswith.",
        ),
        (
            "Account",
            field("id", "Like", "1"),
            SYNTAX + "The operator like is not allowed for the field id.",
        ),
        (
            "Account",
            field("Active", "LessThan", "1"),
            SYNTAX + "The operator lessthan is not allowed for the field Active.",
        ),
        ("Account", "<fields/>", SYNTAX + "Unexpected element fields."),
        (
            "Account",
            '<condition operator="XOR">' + field("id", "IsNull") + "</condition>",
            SYNTAX + "Unknown condition operator XOR.",
        ),
        (
            "Account",
            field("id", "Equals", "material"),
            NO_NUMBER.format("material"),
        ),
        ("Contact", field("Active", "NotEqual", "yes"), NO_NUMBER.format("yes")),
        ("Ticket", field("AccountID", "GreaterThan", "1.5"), NO_NUMBER.format("1.5")),
        (
            "Account",
            field("AccountType", "Equals", "Lead &amp; more"),
            NO_NUMBER.format("Lead & more"),
        ),
        (
            "Account",
            field("CreateDate", "Equals", "8/8/16"),
            "Conversion failed when converting varchar '8/8/16' to data type datetime",
        ),
        (
            "Opportunity",
            field("Amount", "LessThan", "much"),
            "Conversion failed when converting varchar 'much' to data type decimal",
        ),
        (
            "ContractServiceAdjustment",
            field("id", "Equals", "1"),
            (
                "The logged in Resource does not have the adequate permissions to "
                "query "
                "this entity type."
            ),
        ),
    ],
)
def test_faulty_queries_are_business_errors(soap, entity, items, message):
    reply = soap.query(entity, items)

    assert reply.http.status_code == 200
    assert reply.code == -1
    assert reply.errors[0].startswith(message)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "not xml",
        "<queryxml><entity>Account",
        "<!DOCTYPE queryxml><queryxml/>",
        '<!DOCTYPE q [<!ENTITY a "b">]><queryxml><entity>&a;</entity></queryxml>',
        "<queryxml><entity>Account</entity></queryxml>",
        "<query><entity>Account</entity></query>",
        "<queryxml>" * 1000,
    ],
)
def test_documents_of_another_shape_are_business_errors(soap, document):
    reply = soap.query_text(document)

    assert (reply.http.status_code, reply.code) == (200, -1)
    assert reply.errors[0].startswith(SYNTAX)


def test_values_cannot_break_out_of_the_query(soap):
    for value in ("x' OR '1'='1", '"; DROP TABLE x; --', "%", "\\", "%s ? :1"):
        items = field("AccountName", "Equals", value.replace("'", "&apos;"))
        assert soap.query("Account", items).ids == []


def test_every_entity_can_be_queried_by_id(soap):
    infos = soap.call("GetEntityInfo")
    names = infos.texts("Name")
    rights = infos.texts("UserAccessForQuery")
    may_query = {
        name: can == "true" and right != "None"
        for name, can, right in zip(names, infos.texts("CanQuery"), rights, strict=True)
    }

    assert names == sorted(names)
    assert len(names) > 160
    for name in names:
        reply = soap.query(name.lower(), field("Id", "GreaterThanOrEquals", "0"))
        assert reply.code == (1 if may_query[name] else -1), name


@pytest.mark.parametrize(
    ("entity", "is_first"),
    [("Account", True), ("AccountNote", False), ("Resource", False)],
)
def test_the_id_is_not_the_first_field_of_all_entities(soap, entity, is_first):
    names = soap.call("GetFieldInfo", f"<psObjectType>{entity}</psObjectType>")

    assert "id" in names.texts("Name")
    assert (names.texts("Name")[0] == "id") == is_first
