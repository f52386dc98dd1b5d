"""What a definition asks of the vendor, whatever is put into its placeholders."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.backends.autotask_soap.encode.envelopes import Node
from bridge.backends.autotask_soap.stored_calls import read_call
from bridge.errors import InvalidRequestError
from bridge.interfaces import CallDefinition
from bridge.services.extended_resources.definitions import (
    ReceivedArguments,
    call_definition,
    path_pattern,
    placeholder_value,
)

HEAD = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:v1="http://autotask.net/ATWS/v1_6/"'
    ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:x="http://www.w3.org/2001/XMLSchema"><s:Body>'
)
TAIL = "</s:Body></s:Envelope>"
QUERY = (
    "<queryxml><entity>{entity}</entity><query><field>{field}"
    '<expression op="{op}">{id}</expression></field></query></queryxml>'
)
NAMES = ("entity", "field", "op", "id")
HOSTILE = (
    "0</expression><expression op='greaterthan'>0",
    'x" op2="y',
    "]]>",
    "]]&gt;<![CDATA[",
    "<!-- -->",
    "<?pi?>",
    "<!DOCTYPE x>",
    "&amp;&#60;&lol;",
    "{id}{entity}",
    " \r\n\t ",
    "Smith & Sons",
    "\ufeff\u2028é🎉",
)
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1),
)


def requested(document, arguments, allowed=()):
    value = placeholder_value(document, arguments)
    return read_call(call_definition(document, allowed), value)


def wrap(inner):
    return f"{HEAD}{inner}{TAIL}"


def sxml(text):
    return wrap(f"<v1:query><v1:sXML>{text}</v1:sXML></v1:query>")


def define(body, *more):
    constant = {"name": body, "type": "value", "vendorType": "body"}
    return {"parameters": [constant, *more]}


def sent(**query):
    return ReceivedArguments({}, query, {}, dict, dict)


def filled(body, values):
    return requested(define(body), sent(**values)).arguments["sXML"]


def shape(element):
    """Return what of a document is no value: names of elements and attributes."""
    return (element.tag, [*element.attrib], [shape(child) for child in element])


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, texts)), st.booleans())
def test_no_value_breaks_out_of_a_query_document(values, in_section):
    stored = f"<![CDATA[{QUERY}]]>" if in_section else escape(QUERY)

    document = filled(sxml(stored), values)

    root = etree.fromstring(document)
    assert shape(root) == shape(etree.fromstring(QUERY))
    assert root.findtext("entity") == values["entity"]
    [field] = root.iter("field")
    assert field.text == values["field"]
    assert field[0].text == values["id"]
    assert field[0].get("op") == values["op"]


@given(texts)
def test_an_argument_that_is_not_a_document_is_the_value_itself(value):
    body = wrap(
        "<v1:GetFieldInfo><v1:psObjectType>{of}</v1:psObjectType></v1:GetFieldInfo>"
    )

    asked = requested(define(body), sent(of=value))

    assert asked.arguments == {"psObjectType": value}


@pytest.mark.parametrize("value", ["\x00", "a\x1bb", "\ud800", "\uffff"])
def test_what_xml_cannot_carry_is_refused(value):
    with pytest.raises(InvalidRequestError, match="cannot carry"):
        filled(sxml(escape(QUERY)), dict.fromkeys(NAMES, value))


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE a>" + wrap("<v1:query/>"),
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + sxml("&e;"),
        '<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-' + wrap(""),
        sxml(escape('<!DOCTYPE a [<!ENTITY e "1">]><queryxml>&e;</queryxml>')),
        sxml("<![CDATA[<!DOCTYPE a><queryxml/>]]>"),
        sxml(escape("<queryxml>&e;</queryxml>")),
        sxml("&e;"),
        sxml("<queryxml>unescaped</queryxml>"),
        sxml("{id}"),
        sxml("no document"),
        sxml(""),
        wrap("<!ENTITY e '1'>"),
        wrap("x" * 100_001),
        "",
    ],
)
def test_declarations_entities_and_what_is_not_a_document_are_refused(body):
    with pytest.raises(InvalidRequestError):
        filled(body, {"id": "<queryxml/>"})


@pytest.mark.parametrize(
    "text",
    [
        "<![CDATA[<queryxml><a>1</a></queryxml>]]>",
        "<!-- why --><![CDATA[<queryxml><a><!-- why -->1</a></queryxml>]]>",
        "\n<![CDATA[<?xml version='1.0'?><queryxml><a>1</a></queryxml>]]>\n",
        "<![CDATA[<queryxml>]]><![CDATA[<a><![CDATA[1]]]]>&gt;&lt;/a>&lt;/queryxml>",
    ],
)
def test_marked_sections_and_comments_are_read(text):
    declaration = '<?xml version="1.0" encoding="utf-16"?>'

    document = filled(f"\ufeff{declaration}{sxml(text)}", {})

    assert document == "<queryxml><a>1</a></queryxml>"


def parameter(kind, name="id", vendor_name="accId"):
    return {"name": name, "vendorName": vendor_name, "type": kind}


@pytest.mark.parametrize(
    ("kind", "given_there"),
    [
        ("path", ReceivedArguments({"id": "7"}, {}, {}, dict, dict)),
        ("query", ReceivedArguments({}, {"id": "7"}, {}, dict, dict)),
        ("QUERY", ReceivedArguments({}, {"id": "7", "accId": "8"}, {}, dict, dict)),
        ("header", ReceivedArguments({}, {}, {"id": "7"}, dict, dict)),
        ("body", ReceivedArguments({}, {}, {}, lambda: {"id": 7}, dict)),
        ("form", ReceivedArguments({}, {}, {}, dict, lambda: {"id": "7"})),
        ("query", ReceivedArguments({}, {"accId": "7"}, {}, dict, dict)),
    ],
)
def test_a_declared_parameter_fills_what_its_vendor_name_says(kind, given_there):
    body = sxml(escape("<queryxml>{accId}</queryxml>"))

    asked = requested(define(body, parameter(kind)), given_there)

    assert asked.arguments["sXML"] == "<queryxml>7</queryxml>"


def test_a_constant_fills_its_name_and_no_caller_changes_it():
    body = sxml(escape("<queryxml>{accId}</queryxml>"))
    constant = parameter("value", name="Account") | {"vendorType": "query"}

    asked = requested(define(body, constant), sent(accId="Resource"))

    assert asked.arguments["sXML"] == "<queryxml>Account</queryxml>"


def test_a_vendor_name_is_any_word_and_other_braces_mean_nothing():
    body = sxml(escape("<queryxml>{acc-id} {3F25-04E0} {} {a b}</queryxml>"))

    asked = requested(
        define(body, parameter("header", vendor_name="acc-id")),
        ReceivedArguments({}, {}, {"id": "7"}, dict, dict),
    )

    assert asked.arguments["sXML"] == "<queryxml>7 {3F25-04E0} {} {a b}</queryxml>"


def test_a_missing_value_is_named_as_the_caller_knows_it():
    body = sxml(escape("<queryxml>{accId}</queryxml>"))

    with pytest.raises(InvalidRequestError, match="id is required"):
        requested(define(body, parameter("body")), sent())
    with pytest.raises(InvalidRequestError, match="must be a single value"):
        requested(
            define(body, parameter("body")),
            ReceivedArguments({}, {}, {}, lambda: {"id": [1]}, dict),
        )


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (1.5, "1.5"), (0, "0"), ("", None)]
)
def test_members_of_a_body_are_texts(value, text):
    body = sxml(escape("<queryxml>{accId}</queryxml>"))
    given_there = ReceivedArguments({}, {}, {}, lambda: {"id": value}, dict)
    document = define(body, parameter("body"))

    if text is None:
        with pytest.raises(InvalidRequestError):
            requested(document, given_there)
    else:
        asked = requested(document, given_there)
        assert asked.arguments["sXML"] == f"<queryxml>{text}</queryxml>"


CREATE = wrap(
    "<v1:create><v1:Entities><v1:Entity i:type='v1:Contact'><v1:id>0</v1:id>"
    "<v1:FirstName i:type='x:string'>{name}</v1:FirstName></v1:Entity></v1:Entities>"
    "</v1:create>"
)


def test_a_write_is_read_only_where_it_is_allowed():
    with pytest.raises(InvalidRequestError, match="names create"):
        requested(define(CREATE), sent(name="Ida"))

    asked = requested(define(CREATE), sent(name="<&"), ["create"])

    contact = (Node("id", "", "0"), Node("FirstName", "xsd:string", "<&"))
    assert asked.operation == "create"
    assert asked.writes
    assert asked.arguments == {"Entities": (Node("Entity", "Contact", contact),)}


@pytest.mark.parametrize(
    ("stored", "path", "values"),
    [
        ("//zz//four//", "zz/four", {}),
        ("/hubs//crm/zz/", "zz", {}),
        ("zz/{id}/{other}", "zz/7/a b", {"id": "7", "other": "a b"}),
        ("/%C3%A9t%C3%A9", "été", {}),
        ("/a%2Fb", "a%2Fb", {}),
        ("/a.b", "a.b", {}),
    ],
)
def test_a_path_matches_as_any_path_does(stored, path, values):
    match = path_pattern({"path": stored}).fullmatch(path)

    assert match.groupdict() == values
    assert path_pattern({"path": stored}).fullmatch(f"{path}/more") is None


def constant(kind, name, vendor_name):
    return {
        "type": "value",
        "vendorType": kind,
        "name": name,
        "vendorName": vendor_name,
    }


def test_first_constant_body_and_header_of_a_name_make_the_call():
    parameters = [
        parameter("header", name="X", vendor_name="Other"),
        constant("HEADER", "one", "Soapaction"),
        constant("header", "two", "SOAPAction"),
        constant("header", "text/xml", "Content-Type"),
        constant("Body", "first {id}", "body"),
        constant("body", "second", "body"),
        constant("query", "Account", "entity"),
    ]

    definition = call_definition({"parameters": parameters}, ("create",))

    headers = {"soapaction": "one", "content-type": "text/xml"}
    assert definition == CallDefinition("first {id}", headers, ("create",))
    assert call_definition({"parameters": "any"}) == CallDefinition()


def test_action_alone_names_the_operation_and_a_body_wins_over_it():
    action = constant("header", '"http://any.example/v1_6/query/"', "SOAPAction")
    body = constant("body", wrap("<v1:getEntityInfo/>"), "body")

    assert requested({"parameters": [action]}, sent()).operation == "query"
    asked = requested({"parameters": [action, body]}, sent())
    assert asked.operation == "getEntityInfo"
    with pytest.raises(InvalidRequestError, match="names no operation, and only"):
        requested({}, sent())
