"""The scanner returns what the parser returns, or nothing."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.backends.autotask_soap.decode.field_types import ReturnInfo
from bridge.backends.autotask_soap.decode.parser import ReplyParser
from bridge.backends.autotask_soap.decode.scanner import scan_entity, scan_infos
from bridge.errors import ProviderProtocolError

HEAD = (
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    b' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
    b'<queryResponse xmlns="http://autotask.net/ATWS/v1_6/"><queryResult>'
    b"<EntityResults>"
)
REGULAR = (
    b'<Entity xsi:type="Account"><id>7</id><UserDefinedFields><UserDefinedField>'
    b"<Name>a</Name><Value>1</Value></UserDefinedField></UserDefinedFields>"
    b'<F xsi:type="xsd:string">text</F><N xsi:type="xsd:int">5</N>'
    b'<D xsi:type="xsd:dateTime">2021-03-02T09:14:20</D></Entity>'
)


def read_time(name: str, text: str) -> object:
    return name, datetime.fromisoformat(text)


def scan(entity: bytes) -> dict | None:
    return scan_entity(entity, read_time)


def parse(entity: bytes) -> dict:
    parser = ReplyParser(read_time, 500)
    parser.feed(HEAD + entity)
    assert parser.count == 1
    return parser.entities[0]


names = st.from_regex(r"[A-Z][A-Za-z0-9_]{0,8}", fullmatch=True)
xml_text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
    | st.sampled_from("\n\t\r\n<>&\"'] "),
    max_size=12,
).filter(lambda text: not set(text) & {"\ufffe", "\uffff"})
VALUES = {
    "string": xml_text,
    "int": st.integers().map(str),
    "short": st.sampled_from(["1", "-3", "+4", " 5", "1_0", "x", ""]),
    "boolean": st.sampled_from(["true", "false", "1", "0", "True", ""]),
    "double": st.floats(allow_nan=False).map(repr),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False).map(str),
    "dateTime": st.datetimes().map(datetime.isoformat)
    | st.sampled_from(["", " ", "x"]),
    "newType": xml_text,
}


def escape(text: str, *, carriage_returns: bool) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;") if carriage_returns else text


@st.composite
def entities(draw: st.DrawFn) -> bytes:
    """An entity as the vendor writes it, now and then with something irregular."""
    parts = [f'<Entity xsi:type="Account"><id>{draw(st.integers(-1, 10**12))}</id>']
    for name in draw(st.lists(xml_text, max_size=2)):
        value = draw(st.sampled_from(["", "<Value />", "<Value>1 &amp; 2</Value>"]))
        udf = f"<Name>{escape(name, carriage_returns=False)}</Name>{value}"
        parts.append(f"<UserDefinedField>{udf}</UserDefinedField>")
    if len(parts) > 1:
        parts.insert(1, "<UserDefinedFields>")
        parts.append("</UserDefinedFields>")
    for name, kind in draw(st.lists(st.tuples(names, st.sampled_from(list(VALUES))))):
        text = escape(draw(VALUES[kind]), carriage_returns=draw(st.booleans()))
        parts.append(f'<{name} xsi:type="xsd:{kind}">{text}</{name}>')
        parts.append(draw(st.sampled_from([""] * 9 + ["\n", "<!-- - -->", "<E />"])))
    return "".join([*parts, "</Entity>"]).encode()


@settings(max_examples=150, deadline=None)
@given(entities())
def test_scanner_and_parser_agree(entity):
    scanned = scan(entity)
    try:
        parsed = parse(entity)
    except ProviderProtocolError:
        assert scanned is None
    else:
        assert scanned in (None, parsed)
        assert scanned is None or list(scanned) == list(parsed)


def test_a_regular_entity_is_scanned():
    assert (
        scan(REGULAR)
        == parse(REGULAR)
        == {
            "id": 7,
            "UserDefinedFields": {"a": "1"},
            "F": "text",
            "N": 5,
            "D": ("D", datetime(2021, 3, 2, 9, 14, 20)),
        }
    )


@pytest.mark.parametrize(
    "text",
    ["", "caf\u00e9 \U0001f600", "a &amp; &lt;b&gt; &quot;c&quot; &apos;d&apos;",
     "&amp;lt;", "a\r\nb\rc", "\n\t ", "]] >"],
)  # fmt: skip
def test_ordinary_texts_are_scanned(text):
    entity = REGULAR.replace(b"text", text.encode())

    assert scan(entity) == parse(entity)


@pytest.mark.parametrize(
    ("part", "irregular"),
    [
        (b"text", b"&#233;"),
        (b"text", b"&other;"),
        (b"text", b"&"),
        (b"text", b"]]>"),
        (b"text", b"<![CDATA[text]]>"),
        (b"text", b"<!-- c -->"),
        (b"text", b"<b>c</b>"),
        (b"text", b"\x0b"),
        (b"text", b"\x00"),
        (b"text", b"\xef\xbf\xbe"),
        (b"text", b"\xe9"),
        (b"text", b"\xed\xa0\x80"),
        (b"</F>", b"</G>"),
        (b"</F>", b"</F>\n"),
        (b"<F ", b"<x:F "),
        (b"<F ", b"<1F "),
        (b"<F ", "<\u00c9 ".encode()),
        (b"<F xsi:type", b"<F xsi:nil='true' xsi:type"),
        (b"<F xsi:type", b"<F x='1' xsi:type"),
        (b'<F xsi:type="xsd:string"', b"<F"),
        (b'"xsd:string"', b"'xsd:string'"),
        (b"xsd:string", b"xs:string"),
        (b"xsd:string", b"string"),
        (b"xsd:string", b"xsd:unknown"),
        (b"xsd:string", b"xsd:decimal"),
        (b">5<", b"><"),
        (b">5<", b">5.0<"),
        (b"2021", b"20x1"),
        (b">2021-03-02T09:14:20<", b"> <"),
        (b"<id>", b"<ID>"),
        (b"<id>7", b"<id>7.0"),
        (b"<id>7", b"<id xsi:type='xsd:int'>7"),
        (b"<Name>a</Name>", b""),
        (b"<Name>a</Name>", b"<Name></Name>"),
        (b"<Name>a</Name>", b"<Name>a</Name><More />"),
        (b"<Value>1</Value>", b"<Value xsi:nil='true' />"),
        (b"</UserDefinedFields>", b""),
    ],
)
def test_whatever_is_irregular_is_left_to_the_parser(part, irregular):
    assert REGULAR.count(part) == 1

    assert scan(REGULAR.replace(part, irregular)) is None


def test_infos_are_scanned_up_to_the_first_with_a_message():
    plain = (
        b"<EntityReturnInfo><EntityId>7</EntityId><DatabaseAction>None</DatabaseAction>"
        b"<DuplicateStatus><Found>true</Found><Ignored>false</Ignored>"
        b"</DuplicateStatus></EntityReturnInfo>"
    )
    empty = plain.replace(b"<Ignored>", b"<MatchInfo /><Ignored>")
    empty = empty.replace(b"</EntityReturnInfo>", b"<Message /></EntityReturnInfo>")
    telling = empty.replace(b"<Message />", b"<Message>no</Message>")

    infos, end = scan_infos(plain + empty + telling + plain)

    assert infos == [ReturnInfo(7, "", True, False, "")] * 2  # noqa: FBT003 - a record
    assert end == len(plain + empty)
