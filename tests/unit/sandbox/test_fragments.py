"""One record's fragment: order, types, nulls, escapes, UDFs."""

from bridge.sandbox.data import fragments
from bridge.sandbox.data.schema import quoted


def fragment(table, **stored):
    return fragments.entity_fragment(
        table, 7, {quoted(name): value for name, value in stored.items()}
    ).decode()


def test_an_account_with_all_udfs_when_one_has_a_value(tenant):
    table = tenant.tables["Account"]
    seats = table.udf("Seats & Licences").sql

    text = fragments.entity_fragment(
        table, 7, {seats: 420000, quoted("Fax"): "", quoted("Phone"): '<&>\r\n"'}
    ).decode()

    assert text == (
        '<Entity xsi:type="Account"><id>7</id><UserDefinedFields>'
        "<UserDefinedField><Name>Seats &amp; Licences</Name><Value>42.0000</Value>"
        "</UserDefinedField><UserDefinedField><Name>Renewal</Name></UserDefinedField>"
        "<UserDefinedField><Name>Month</Name></UserDefinedField>"
        "<UserDefinedField><Name>Secret</Name></UserDefinedField></UserDefinedFields>"
        '<Fax xsi:type="xsd:string" />'
        '<Phone xsi:type="xsd:string">&lt;&amp;&gt;&#xD;\n"</Phone></Entity>'
    )


def test_nulls_are_left_out_and_udfs_without_any_value_too(tenant):
    assert fragment(tenant.tables["Account"]) == (
        '<Entity xsi:type="Account"><id>7</id><UserDefinedFields /></Entity>'
    )


def test_flags_that_the_schema_types_are_always_there(tenant):
    text = fragment(tenant.tables["NotificationHistory"], IsActive=1)

    assert "<IsDeleted>false</IsDeleted><IsActive>true</IsActive>" in text


def test_passwords_are_not_sent(tenant):
    text = fragment(tenant.tables["Resource"], Password="plain")

    assert "plain" not in text
    assert '<Password xsi:type="xsd:string">******</Password>' in text


def test_tickets_have_more_return_info():
    assert b"<MatchInfo /><Ignored>" in fragments.return_info("Ticket", 1)
    assert b"<MatchInfo" not in fragments.return_info("Account", 1)


def test_control_characters_go_out_raw_but_for_one():
    assert fragments.escape("a\x0bb\x1fc") == "a\x0bb&#x1F;c"
