"""What reaches the XML parser, and what never does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.backends.autotask_soap.decode.xml_feed import OPTIONS, XmlFeed
from bridge.errors import ProviderProtocolError


def read(document: bytes, *, size: int = 0) -> etree._Element:
    xml = XmlFeed(etree.XMLParser(**OPTIONS))
    step = size or len(document) or 1
    for start in range(0, len(document), step):
        xml.feed(document[start : start + step])
    return xml.close()


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize(
    "start",
    [
        b"",
        b" \n",
        b"<!-- one --><!-- <!DOCTYPE a> -->",
        b"<?pi <!DOCTYPE a>?>",
        b"<!---->\n<?pi?>",
        b"\x0b<!-- > -->",
    ],
)
def test_comments_and_instructions_before_the_root_are_skipped(start, size):
    assert read(start + b"<a>b</a>", size=size).text == "b"


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize(
    "start",
    [
        b"<!DOCTYPE a>",
        b"<!-- <a --><!DOCTYPE a [<!ENTITY b 'c'>]>",
        b"<?pi?><!DOCTYPE a>",
        b"\x0b<!DOC\x01TYPE a>",
        b"<!DOC&#1;TYPE a>",
        b" \xef\xbf\xbe<!DOCTYPE a>",
    ],
)
def test_a_dtd_is_refused_however_it_is_hidden(start, size):
    with pytest.raises(ProviderProtocolError, match="DTD"):
        read(start + b"<a>&b;</a>", size=size)


@pytest.mark.parametrize(
    "document",
    [
        b"<a><!DOCTYPE a></a>",
        b"<a/><!DOCTYPE a>",
        b"<a>&b;</a>",
        b"<a><b></a>",
        b"<a>",
        b"<a/>b",
        b"<x:a/>",
        b"<a b='1' b='2'/>",
        b"",
        b"<",
        b"<!-- never ends",
    ],
)
@pytest.mark.parametrize("size", [0, 1])
def test_what_is_not_well_formed_is_refused(document, size):
    with pytest.raises(ProviderProtocolError, match="not well-formed"):
        read(document, size=size)


@pytest.mark.parametrize("document", [b"", b" \n", b"\x01"])
def test_an_empty_document_is_refused_without_the_error_of_another(document):
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(b"<a>&of_another_tenant")

    with pytest.raises(ProviderProtocolError, match=r"\(document empty\)"):
        read(document)


def test_an_unknown_entity_is_refused_before_the_document_ends():
    xml = XmlFeed(etree.XMLParser(**OPTIONS))

    with pytest.raises(ProviderProtocolError, match="undeclared entity"):
        xml.feed(b"<a>&b;")


def test_a_comment_without_end_before_the_root_is_refused():
    with pytest.raises(ProviderProtocolError, match="not a SOAP reply"):
        read(b"<!-- " + b" " * 100_000, size=1000)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<!-- x -->", "<?x y?>", " ", "\x01", "<!DOCTYPE a>", "<a>b</a>", "<html>"]
        ),
        max_size=5,
    ),
    st.integers(1, 5),
)
def test_chunk_boundaries_change_nothing(parts, size):
    def outcome(step: int) -> object:
        try:
            return etree.tostring(read("".join(parts).encode(), size=step))
        except ProviderProtocolError as error:
            return error.message.partition("(")[0]

    assert outcome(size) == outcome(0)
