"""What the reader binds and what it cannot: types, places, and what comes first."""

import re
from xml.sax.saxutils import escape

import pytest

SPACE = "http://autotask.net/ATWS/v1_6/"
BAD_FORMAT = "System.FormatException: Input string was not in a correct format."
NEEDED = (
    "<id>0</id><AccountID>0</AccountID><FirstName>Typed</FirstName>"
    "<LastName>Value</LastName>"
)
UNREADABLE = {
    "create": '<Entities><Entity xsi:type="Contact"><id></id></Entity></Entities>',
    "update": "<Entities><Entity><id>0</id></Entity></Entities>",
    "delete": '<Entities><Entity xsi:type="Foo"><id>0</id></Entity></Entities>',
    "GetAttachment": "<attachmentId>x</attachmentId>",
    "DeleteAttachment": "<attachmentId></attachmentId>",
    "CreateAttachment": "<attachment><Data>!</Data><Info/></attachment>",
    "GetInvoiceMarkup": "<InvoiceId>one</InvoiceId><Format>html</Format>",
}


def used(soap):
    (text,) = soap.call("getThresholdAndUsageInfo").texts("Message")
    return int(re.search(r"([0-9]+);\Z", text)[1])


@pytest.mark.parametrize("operation", UNREADABLE)
@pytest.mark.parametrize("code", [None, "", "WRONG"])
def test_a_call_must_be_readable_before_its_identifier_counts(soap, operation, code):
    reply = soap.call(operation, UNREADABLE[operation], code=code)

    assert reply.http.status_code == 500
    assert "Server was unable to read request." in reply.fault


@pytest.mark.parametrize("operation", UNREADABLE)
def test_a_call_that_cannot_be_read_uses_no_quota(fresh, operation):
    before = used(fresh)

    fresh.call(operation, UNREADABLE[operation])

    assert used(fresh) == before + 1  # the call that asks


def test_an_unknown_operation_uses_no_quota_either(fresh):
    before = used(fresh)

    fresh.call("GetRich")

    assert used(fresh) == before + 1


@pytest.mark.parametrize("body", ["", "<attachment/>"])
def test_an_empty_upload_is_read_and_counts_as_a_call(fresh, body):
    before = used(fresh)

    reply = fresh.call("CreateAttachment", body)

    assert "System.NullReferenceException" in reply.fault
    assert fresh.call("CreateAttachment", body, code="x").fault == (
        "IntegrationCode is invalid."
    )
    assert used(fresh) == before + 2


def with_active(declared, text):
    return f'{NEEDED}<Active xsi:type="{declared}">{text}</Active>'


@pytest.mark.parametrize(
    ("declared", "text", "inner"),
    [
        ("xsd:int", "x", BAD_FORMAT),
        ("xsd:int", "", BAD_FORMAT),
        ("xsd:int", "1.0", BAD_FORMAT),
        (
            "xsd:short",
            "32768",
            (
                "System.OverflowException: Value was either too large or too small for "
                "an Int16."
            ),
        ),
        ("xsd:decimal", "1e0", BAD_FORMAT),
        ("xsd:double", "one", BAD_FORMAT),
        (
            "xsd:boolean",
            "True",
            "System.FormatException: The string 'True' is not a valid Boolean value.",
        ),
        (
            "xsd:dateTime",
            "2021-06-01 00:00:00",
            (
                "System.FormatException: The string '2021-06-01 00:00:00' is not a "
                "valid AllXsd value."
            ),
        ),
        (
            "zz:string",
            "1",
            "System.InvalidOperationException: Namespace prefix 'zz' is not defined.",
        ),
    ],
)
def test_what_the_reader_cannot_convert(soap, declared, text, inner):
    reply = soap.write("create", "Contact", with_active(declared, text))

    assert reply.http.status_code == 500
    assert f" ---> {inner}\n" in reply.fault


def test_an_entity_type_with_an_unbound_prefix(soap):
    reply = soap.write("create", "zz:Contact", NEEDED)

    assert "Namespace prefix 'zz' is not defined." in reply.fault


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("xsd:int", " +1 "),
        ("xsd:long", "1"),
        ("xsd:string", "1"),
        ("xsd:unsignedByte", "1"),
        ("xsd:boolean", "1"),
    ],
)
def test_types_that_are_not_the_field_s_own(soap, declared, text):
    reply = soap.write("create", "Contact", with_active(declared, text))

    assert reply.errors == []


@pytest.mark.parametrize("declared", ["int", "xsd:frob", "Account", "soap:int", ""])
def test_types_that_the_reader_does_not_know_are_none(soap, declared):
    """They are passed on as text, and validated like untyped values."""
    good = soap.write("create", "Contact", with_active(declared, "1"))
    bad = soap.write("create", "Contact", with_active(declared, "x"))
    empty = soap.write(
        "create",
        "Contact",
        f'{NEEDED}<Active>1</Active><Title xsi:type="{declared}"></Title>',
    )

    assert good.errors == []
    assert bad.errors == [
        "Can not convert data to numeric in field: Active. ; on record number [1]."
    ]
    assert empty.errors == [
        "Conversion from type 'Object' to type 'String' is not valid."
    ]


def test_a_type_is_found_by_its_namespace_whatever_the_prefix(soap):
    xsd = "http://www.w3.org/2001/XMLSchema"
    other = f'{NEEDED}<Active xmlns:q="{xsd}" xsi:type="q:int">x</Active>'
    default = (
        f'{NEEDED}<a:Active xmlns:a="{SPACE}" xmlns="{xsd}" xsi:type="int">x</a:Active>'
    )

    for record in (other, default):
        assert BAD_FORMAT in soap.write("create", "Contact", record).fault


@pytest.mark.parametrize(
    ("entity", "name"),
    [
        ('<Entity xsi:type="Contact"><id></id></Entity>', "id>"),
        ('<Entity xsi:type="Contact"><Active xsi:type="xsd:int"/></Entity>', "Active"),
        ("<Entity><id>0</id></Entity>", "Entity>"),
        ('<Entity xsi:type="Foo"><id>0</id></Entity>', "Entity xsi"),
    ],
)
@pytest.mark.parametrize("before", ["", "Größe 😀", "\n\n  <!-- \n -->"])
def test_a_fault_names_line_and_column_of_the_element(soap, entity, name, before):
    comment = before or "<!-- -->"
    body = f'<create xmlns="{SPACE}"><Entities>{comment}{entity}</Entities></create>'
    text = soap.envelope(body)
    start = text.index("<" + name)
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start) + 1

    reply = soap.post(text)

    assert f"There is an error in XML document ({line}, {column})." in reply.fault


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_column_counts_characters_in_any_encoding(soap, encoding):
    record = '<Entity xsi:type="Contact"><Title>Größe</Title><id></id></Entity>'
    body = f'<create xmlns="{SPACE}"><Entities>{record}</Entities></create>'
    text = soap.envelope(body).replace("utf-8", encoding)
    column = text.index("<id>") + 2

    reply = soap.post(text.encode(encoding))

    assert f"(1, {column})" in reply.fault


def test_the_sample_s_place_to_the_letter(soap):
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Header>'
        f'<AutotaskIntegrations xmlns="{SPACE}"><IntegrationCode>'
        "Q7KD3MZT5W2XB8HVN4PYJ6RGLCA</IntegrationCode></AutotaskIntegrations>"
        f'</soap:Header><soap:Body><create xmlns="{SPACE}"><Entities>'
        '<Entity xsi:type="Contact"><id></id><FirstName>Broken</FirstName></Entity>'
        "</Entities></create></soap:Body></soap:Envelope>"
    )

    assert soap.post(text).fault == (
        "System.Web.Services.Protocols.SoapException: Server was unable to read "
        "request. ---> System.InvalidOperationException: There is an error in XML "
        "document (2, 439). ---> System.FormatException: Input string was not in a "
        "correct format.\n   --- End of inner exception stack trace ---"
    )


def nested(member, text):
    return f"<{member}><{member}>{escape(text)}</{member}></{member}>"


QUERYXML = (
    "<queryxml><entity>Account</entity><query><field>id"
    '<expression op="Equals">0</expression></field></query></queryxml>'
)


@pytest.mark.parametrize(
    ("operation", "member", "text", "shows"),
    [
        ("GetFieldInfo", "psObjectType", "Account", ">AccountName<"),
        ("getUDFInfo", "psTable", "Account", ">Service Tier<"),
        ("getZoneInfo", "UserName", "api@bridge-demo.example", "<CI>30049</CI>"),
        ("query", "sXML", QUERYXML, '<Entity xsi:type="Account"><id>0</id>'),
    ],
)
@pytest.mark.parametrize("version", ["1.5", "1.6"])
def test_an_argument_that_is_nested_once_more_is_read(
    soap, version, operation, member, text, shows
):
    client = soap if version == "1.6" else soap.old

    assert shows in client.call(operation, nested(member, text)).http.text


def test_numbers_and_formats_may_be_nested_too(soap):
    inner = nested("InvoiceId", "29684601") + nested("Format", "HTML")

    assert "INV-2021-0001" in soap.call("GetInvoiceMarkup", inner).http.text
    assert "No matching attachment" in (
        soap.call("GetAttachment", nested("attachmentId", "77")).fault
    )


def test_an_argument_nested_twice_more_is_not_read(soap):
    inner = "<psObjectType>" + nested("psObjectType", "Account") + "</psObjectType>"

    assert "Unable to find entity" in soap.call("GetFieldInfo", inner).fault


KEPT = "<UserDefinedField><Name>Asset Tag</Name><Value>T-1</Value></UserDefinedField>"
NO_UDFS = {
    "nil": '<UserDefinedField xsi:nil="true"/>',
    "nil as a number": '<UserDefinedField xsi:nil="1"></UserDefinedField>',
    "empty": "<UserDefinedField/>",
    "of nil members": (
        '<UserDefinedField><Name xsi:nil="true"/><Value xsi:nil="true"/>'
        "</UserDefinedField>"
    ),
    "none": "",
}
UDF_TICKET = (
    "<AccountID>0</AccountID><Title>Nil</Title><Status>1</Status>"
    "<Priority>1</Priority><QueueID>5</QueueID>"
    "<DueDateTime>2021-06-15T16:00:00</DueDateTime>"
)


def asset_tags(soap, ticket):
    return re.findall(r"<Value>([^<]*)</Value>", soap.fields("Ticket", ticket))


@pytest.mark.parametrize("nothing", NO_UDFS.values(), ids=list(NO_UDFS))
def test_nil_and_empty_user_defined_fields_are_nothing(fresh, nothing):
    wrapped = f"<UserDefinedFields>{nothing}{{}}{nothing}</UserDefinedFields>"

    bare = fresh.write(
        "create", "Ticket", f"<id>0</id>{wrapped.format('')}{UDF_TICKET}"
    )
    real = fresh.write(
        "create", "Ticket", f"<id>0</id>{wrapped.format(KEPT)}{UDF_TICKET}"
    )

    assert bare.errors == real.errors == []
    (ticket,) = real.ids
    assert asset_tags(fresh, ticket) == ["T-1"]
    again = f"<id>{ticket}</id>{wrapped.format('')}{UDF_TICKET}"
    assert fresh.write("update", "Ticket", again).errors == []
    assert asset_tags(fresh, ticket) == ["T-1"]
    other = f"<id>{ticket}</id>{wrapped.format(KEPT.replace('T-1', 'T-2'))}"
    assert fresh.write("update", "Ticket", other + UDF_TICKET).errors == []
    assert asset_tags(fresh, ticket) == ["T-2"]


def test_a_nil_list_of_user_defined_fields_is_ignored(fresh):
    record = f'<id>0</id><UserDefinedFields xsi:nil="true"/>{UDF_TICKET}'

    assert fresh.write("create", "Ticket", record).errors == []


def test_a_user_defined_field_without_a_name_is_refused(fresh):
    udf = "<UserDefinedField><Value>x</Value></UserDefinedField>"
    record = f"<id>0</id><UserDefinedFields>{udf}</UserDefinedFields>{UDF_TICKET}"

    reply = fresh.write("create", "Ticket", record)

    assert reply.errors[0].startswith("Unable to find UDF  in the Ticket Entity.")
