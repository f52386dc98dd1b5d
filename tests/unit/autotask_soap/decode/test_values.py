"""What may stand in an entity, and the value that must come out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from bridge.backends.autotask_soap.decode.reply import Reply, ReplyDecoder

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
    '<queryResponse xmlns="http://autotask.net/ATWS/v1_6/"><queryResult>'
)
TAIL = "</queryResult></queryResponse></soap:Body></soap:Envelope>"
INFO = (
    "<EntityReturnInfo><EntityId>7</EntityId><DatabaseAction>None</DatabaseAction>"
    "<DuplicateStatus><Found>false</Found><Ignored>false</Ignored></DuplicateStatus>"
    "</EntityReturnInfo>"
)


def reply(entities: str) -> str:
    return (
        f"{HEAD}<ReturnCode>1</ReturnCode><EntityResults>{entities}</EntityResults>"
        "<EntityResultType>account</EntityResultType><Errors />"
        f"<EntityReturnInfoResults>{INFO}</EntityReturnInfoResults>{TAIL}"
    )


def account(fields: str, entity_id: int = 7) -> str:
    return f'<Entity xsi:type="Account"><id>{entity_id}</id>{fields}</Entity>'


def read_time(_name: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def decode(body: bytes, *, size: int = 0, limit: int = 500) -> tuple[list, Reply]:
    decoder = ReplyDecoder(read_time, limit=limit)
    entities = []
    step = size or len(body) or 1
    for start in range(0, len(body), step):
        decoder.feed(body[start : start + step])
        entities += decoder.take()
    rest = decoder.close()
    return entities + decoder.take(), rest


def decode_field(fields: str) -> object:
    """Return field `F` of an account, the same in chunks and with a line break."""
    body = reply(account(fields)).encode()
    values = [decode(body, size=size)[0][0].get("F") for size in (0, 1, 2, 7)]
    irregular = reply(account(fields).replace("</id>", "</id>\n "))
    values.append(decode(irregular.encode())[0][0].get("F"))
    assert all(first == second for first, second in pairwise(values))
    return values[0]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "237", 237),
        ("int", "-1", -1),
        ("int", "9999999999", 9999999999),
        ("short", "1", 1),
        ("long", "29684250", 29684250),
        ("integer", "12345678901234567890123", 12345678901234567890123),
        ("string", "237", "237"),
        ("boolean", "true", True),
        ("boolean", "0", False),
        ("double", "12.5", 12.5),
        ("float", "1E3", 1000.0),
        ("decimal", "175.0000", Decimal("175.0000")),
        (
            "dateTime",
            "2018-12-29T00:45:48.58",
            datetime(2018, 12, 29, 0, 45, 48, 580000, UTC),
        ),
        ("anyURI", "urn:new", "urn:new"),
    ],
)
def test_a_value_is_read_by_its_type(kind, text, value):
    read = decode_field(f'<F xsi:type="xsd:{kind}">{text}</F>')

    assert read == value
    assert type(read) is type(value)


def test_a_decimal_keeps_its_places():
    assert str(decode_field('<F xsi:type="xsd:decimal">1.5000</F>')) == "1.5000"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Smith &amp; Sons &lt;UK&gt;", "Smith & Sons <UK>"),
        ("&quot;a&quot; &apos;b&apos;", "\"a\" 'b'"),
        ("&amp;lt; &amp;#65;", "&lt; &#65;"),
        ("caf&#233; &#xE9; &#128512;", "café é 😀"),
        ("<![CDATA[<b>&amp;</b>]]>", "<b>&amp;</b>"),
        ("a<![CDATA[<]]>b<![CDATA[]]>c", "a<bc"),
        ("a<!-- not this -->b", "ab"),
        ("line\nline\ttab", "line\nline\ttab"),
        ("line\r\nline\rline", "line\nline\nline"),
        ("line&#xD;\nline", "line\r\nline"),
        ("  both ends ", "  both ends "),
        (" ", " "),
        ("\"quotes\" 'here' > there", "\"quotes\" 'here' > there"),
        ("naïve 日本 😀", "naïve 日本 😀"),
        (
            "<![CDATA[</F></Entity><Entity xsi:type='X'>]]>",
            "</F></Entity><Entity xsi:type='X'>",
        ),
        ("<!-- </Entity> -->a", "a"),
    ],
)
def test_text_arrives_exactly(written, text):
    assert decode_field(f'<F xsi:type="xsd:string">{written}</F>') == text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"])
def test_other_encodings_are_read(encoding):
    body = reply(account('<F xsi:type="xsd:string">café\x0b&#x1F;</F>'))
    body = body.replace("utf-8", encoding.removesuffix("-le").removesuffix("-be"))

    for size in (0, 1, 3):
        assert decode(body.encode(encoding), size=size)[0] == [{"id": 7, "F": "café"}]


def test_byte_order_mark_is_not_text():
    body = reply(account('<F xsi:type="xsd:string">é</F>')).encode("utf-8-sig")

    for size in (0, 1, 2):
        assert decode(body, size=size)[0] == [{"id": 7, "F": "é"}]


def test_blank_lines_before_the_declaration_are_skipped():
    body = b"\n \r\n" + reply(account("")).encode()

    for size in (0, 1):
        assert decode(body, size=size)[0] == [{"id": 7}]


def test_other_namespace_prefixes_mean_the_same():
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
        ' xmlns:xsd="urn:other" xmlns:x="http://www.w3.org/2001/XMLSchema"><s:Body>'
        '<a:queryResponse xmlns:a="http://autotask.net/ATWS/v1_6/"><a:queryResult>'
        "<a:ReturnCode>1</a:ReturnCode><a:EntityResults>"
        '<a:Entity i:type="a:Account"><a:id>7</a:id>'
        "<a:UserDefinedFields><a:UserDefinedField><a:Name>N</a:Name></a:UserDefinedField>"
        '</a:UserDefinedFields><a:A i:type="x:int">5</a:A>'
        '<a:B i:type="y:int" xmlns:y="http://www.w3.org/2001/XMLSchema">6</a:B>'
        '<a:C i:type="y:int" xmlns:y="urn:other">7</a:C>'
        '<a:D i:type="int" xmlns="http://www.w3.org/2001/XMLSchema">8</a:D>'
        '<a:E i:type="int">9</a:E><a:F i:type="xsd:int">10</a:F>'
        "</a:Entity></a:EntityResults></a:queryResult></a:queryResponse></s:Body>"
        "</s:Envelope>"
    )

    entities, rest = decode(body.encode(), size=50)

    assert entities == [
        {
            "id": 7,
            "UserDefinedFields": {"N": None},
            "A": 5,
            "B": 6,
            "C": "7",
            "D": 8,
            "E": "9",
            "F": "10",
        }
    ]
    assert rest.return_code == 1


def test_usual_prefixes_with_other_meanings_are_not_mistaken():
    body = reply(account('<F xsi:type="xsd:int">5</F>')).replace(
        'xsd="http://www.w3.org/2001/XMLSchema"', 'xsd="urn:other"'
    )

    assert decode(body.encode())[0] == [{"id": 7, "F": "5"}]


def test_an_attribute_may_have_either_quote_and_blanks():
    assert decode_field("<F   xsi:type = 'xsd:int'\n>5</F >") == 5


@pytest.mark.parametrize(
    "written",
    ["a&#x1F;b", "a\x0bb", "a&#11;b", "a&#x0000b;b", "a&#0;b", "a\x00b", "a&#xFFFE;b",
     "a\ufffeb", "a\uffffb", "a&#xD800;b", "a&#x110000;b", "a\x1f&#8;\x08b"],
)  # fmt: skip
def test_characters_that_xml_forbids_are_dropped_and_the_reply_is_read(written):
    assert decode_field(f'<F xsi:type="xsd:string">{written}</F>') == "ab"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("<![CDATA[&#x1F;]]>", "&#x1F;"),
        ("<![CDATA[a\x0bb&#11;]]>&#11;", "ab&#11;"),
        ("&amp;#x1F;", "&#x1F;"),
        ("<!-- <![CDATA[ -->&#x1F;a", "a"),
        ("<![CDATA[<!--]]>&#x1F;a", "<!--a"),
        ("<![CDATA[]]]]><![CDATA[>]]>&#x1F;", "]]>"),
    ],
)
def test_a_reference_that_is_plain_text_stays(written, text):
    assert decode_field(f'<F xsi:type="xsd:string">{written}</F>') == text


@pytest.mark.parametrize(
    "empty",
    [
        '<F xsi:type="xsd:string"/>',
        '<F xsi:type="xsd:string" />',
        '<F xsi:type="xsd:string"></F>',
        "<F/>",
    ],
)
def test_an_empty_element_is_an_empty_text(empty):
    assert decode_field(empty) == ""


@pytest.mark.parametrize(
    "null",
    [
        '<F xsi:nil="true"/>',
        '<F xsi:nil="1" xsi:type="xsd:string"/>',
        '<F xsi:nil="true">text</F>',
        '<F xsi:nil=" 1 " xsi:type="xsd:string">text</F>',
        '<F xsi:type="xsd:int" xsi:nil="true">5</F>',
        '<IsActive xsi:nil="true">true</IsActive>',
        '<F xsi:type="xsd:int"/>',
        '<F xsi:type="xsd:dateTime" />',
        '<F xsi:type="xsd:dateTime"> </F>',
        "",
    ],
)
def test_null_is_absent(null):
    assert decode_field(f'{null}<G xsi:type="xsd:int">1</G>') is None


def test_a_field_that_is_not_nil_has_its_value():
    assert decode_field('<F xsi:nil="false" xsi:type="xsd:int">1</F>') == 1


def test_nil_entity_is_ignored():
    entities, rest = decode(reply(f'<Entity xsi:nil="true" />{account("")}').encode())

    assert entities == [{"id": 7}]
    assert rest.count == 1


def test_a_field_without_a_type_is_text_unless_the_schema_declares_it():
    fields = "<New>5</New><IsDeleted>true</IsDeleted><IsActive>0</IsActive>"

    entity = decode(reply(account(fields)).encode())[0][0]

    assert entity == {"id": 7, "New": "5", "IsDeleted": True, "IsActive": False}


def test_members_keep_the_order_of_the_wire():
    fields = (
        "<UserDefinedFields><UserDefinedField><Name>b &amp; c: d</Name>"
        "<Value>25.0000</Value></UserDefinedField><UserDefinedField><Name>none</Name></UserDefinedField>"
        "<UserDefinedField><Name>empty</Name><Value /></UserDefinedField>"
        "<UserDefinedField><Name>gone</Name><Value xsi:nil='true' /></UserDefinedField>"
        "</UserDefinedFields>"
        '<Z xsi:type="xsd:int">1</Z><A xsi:type="xsd:int">2</A>'
    )

    (entity,), _ = decode(reply(account(fields)).encode())

    assert list(entity) == ["id", "UserDefinedFields", "Z", "A"]
    assert entity["UserDefinedFields"] == {
        "b & c: d": "25.0000",
        "none": None,
        "empty": "",
        "gone": None,
    }


@pytest.mark.parametrize(
    "none",
    [
        "<UserDefinedFields />",
        "<UserDefinedFields/>",
        "<UserDefinedFields></UserDefinedFields>",
        "<Fields />",
        "<Fields><Field><Name>x</Name><Length>1</Length></Field></Fields>",
    ],
)
def test_without_user_defined_fields_the_member_is_absent(none):
    assert decode(reply(account(none)).encode())[0] == [{"id": 7}]


def test_element_with_children_has_no_value():
    assert decode_field('<F xsi:type="xsd:string">a<b>c</b>d</F>') is None
