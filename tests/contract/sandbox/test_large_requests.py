"""Files, texts and trees of unusual size: each gets a response like the vendor's."""

import base64
import itertools
import re
import time
from xml.sax.saxutils import escape

import pytest

PARSER = re.compile(r"libxml|XML_|HUGE|xml[A-Z]\w+:|column \d", re.ASCII)
"""What only the parser behind the simulator would say."""
INFO = (
    "<Info><id>0</id><ParentID>0</ParentID><ParentType>1</ParentType>"
    "<Type>FILE_ATTACHMENT</Type><Title>T</Title><FullPath>t.bin</FullPath>"
    "<Publish>1</Publish></Info>"
)
UNREADABLE = "Server was unable to read request."
NOT_WELL_FORMED = "The document is not well formed."
TOO_LARGE = "The document has more elements, levels or text than can be read."


def upload(soap, size):
    data = base64.b64encode(b"\xa5" * size).decode()
    return soap.call(
        "CreateAttachment", f"<attachment><Data>{data}</Data>{INFO}</attachment>"
    )


@pytest.mark.parametrize("megabytes", [7.2, 8, 11, 16, 23])
def test_a_file_beyond_the_limit_is_refused_for_its_size(soap, megabytes):
    started = time.monotonic()

    reply = upload(soap, int(megabytes * 1_000_000))

    assert reply.http.status_code == 500
    assert reply.fault == (
        "System.Web.Services.Protocols.SoapException: Server was unable to process "
        "request. ---> System.Exception: The attachment exceeds the maximum size."
    )
    assert time.monotonic() - started < 100


def test_ten_million_bytes_are_soon_uploaded(limited):
    limited.session.post(f"{limited.url}/sandbox/reset").raise_for_status()

    assert upload(limited, 6_500_000).texts("CreateAttachmentResult")
    assert "five minutes" in upload(limited, 6_500_000).fault


def test_a_long_text_is_read_and_refused_for_its_length(soap):
    record = (
        "<id>0</id><Active>1</Active><AccountID>0</AccountID><FirstName>A</FirstName>"
        f"<LastName>{'x' * 12_000_000}</LastName>"
    )

    reply = soap.write("create", "Contact", record)

    assert reply.errors == ["String value exceeds maximum length (field:LastName). "]


@pytest.mark.campaign
def test_a_long_value_is_looked_for(soap):
    value = f'<expression op="Equals">{"x" * 12_000_000}</expression>'

    assert soap.query("Contact", f"<field>LastName{value}</field>").ids == []


@pytest.mark.parametrize("padding", [0, 4_000_000])
@pytest.mark.parametrize("depth", [300, 3_000, 100_000])
def test_levels_without_end(soap, depth, padding):
    pad = "x" * padding
    inside = soap.call("query", "<a>" * depth + pad + "</a>" * depth)
    document = "<condition>" * depth + pad + "</condition>" * depth
    in_query = soap.query("Account", document)

    assert UNREADABLE in inside.fault
    assert TOO_LARGE in inside.fault
    assert in_query.errors[0].startswith(f"Invalid query syntax. {TOO_LARGE}")


@pytest.mark.parametrize(
    "inner",
    [
        "<a/>" * 6_000_000,
        "<a " + " ".join(f'a{n}= ""' for n in range(1_000_000)) + "/>",
        "<a " + " ".join(f"xmlns:a{n}='u'" for n in range(1_000_000)) + "/>",
    ],
    ids=["elements", "attributes", "namespaces"],
)
def test_markup_without_end(soap, inner):
    started = time.monotonic()

    reply = soap.call("query", inner)

    assert TOO_LARGE in reply.fault
    assert time.monotonic() - started < 100


def test_entities_do_not_grow_however_large_the_rest(soap):
    names = "abcdefghij"
    laughs = "".join(
        f'<!ENTITY {later} "{f"&{name};" * 20}">'
        for name, later in itertools.pairwise(names)
    )
    dtd = f'<!DOCTYPE x [<!ENTITY a "{"ha" * 50}">{laughs}]>'
    prolog = '<?xml version="1.0" encoding="utf-8"?>'
    body = f'<GetWsdlVersion xmlns="{soap.namespace}"/><!--{"x" * 4_000_000}-->'
    text = soap.envelope(body).replace(prolog, prolog + dtd)
    started = time.monotonic()

    replies = [
        soap.post(text),
        soap.post(text.replace("<soap:Body>", '<soap:Body a="&j;">')),
    ]

    for reply in replies:
        assert UNREADABLE in reply.fault
        assert not PARSER.search(reply.fault)
    assert "DTD is prohibited" in replies[0].fault
    assert time.monotonic() - started < 100


MALFORMED = [
    "",
    "x",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "<a/>x",
    "<a b='1' b='2'/>",
    "<a b/>",
    "<a b=c/>",
    "<a b='<'/>",
    "<z:a/>",
    "<a z:b='1'/>",
    "<a>&b;</a>",
    "<a>& </a>",
    "<a>&#1;</a>",
    "<a>]]></a>",
    "<a><!-- -- --></a>",
    "<a",
    "</a>",
    "<1/>",
    "<a:b:c xmlns:a='u'/>",
    " <?xml version='1.0'?><a/>",
    "<?xml version='1.0' encoding='klingon'?><a/>",
    "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "<!DOCTYPE a [<!ENTITY b 'c'",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_no_sentence_is_that_of_the_parser_behind(soap, text):
    body, document = soap.post(text), soap.query_text(text)

    assert body.http.status_code == 500
    assert not PARSER.search(body.fault), body.fault
    assert document.errors or "klingon" in text  # what a text declares does not count
    for sentence in document.errors:
        assert sentence.startswith("Invalid query syntax. ")
        assert not PARSER.search(sentence), sentence


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("", "Root element is missing."),
        ("<queryxml><entity>", f"{NOT_WELL_FORMED} Line 1, position 19."),
        ("<queryxml>\n<entity></queryxml>", f"{NOT_WELL_FORMED} Line 2, position 20."),
        ("<queryxml>&nbsp;</queryxml>", f"{NOT_WELL_FORMED} Line 1, position 17."),
        ("<queryxml>\n &#2;</queryxml>", f"{NOT_WELL_FORMED} Line 2, position 6."),
    ],
)
def test_an_error_in_a_query_is_reported_with_its_position(soap, document, says):
    assert soap.query_text(document).errors == [f"Invalid query syntax. {says}"]
    assert says in soap.post(document).fault


def test_a_large_body_may_begin_with_comments(soap):
    text = soap.envelope(
        f'<query xmlns="{soap.namespace}"><sXML>{escape("<q/>")}'
        f"{' ' * 11_000_000}</sXML></query>"
    ).replace("<soap:Envelope", "<!-- <!DOCTYPE a> -->\n<soap:Envelope", 1)

    assert soap.post(text).errors == [
        "Invalid query syntax. The root element must be queryxml."
    ]
