"""Which characters of a text reach the vendor."""

from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from bridge.backends.autotask_soap.encode.xmltext import escape
from bridge.interfaces.texts import sendable_text

OFTEN_REFUSED = "\x00\t\n\x0b\x0c\r\x1f\x7f\ud800\udfff\ufffe\uffff\ufeff🎉"


def accepts(text):
    """Return whether an independent library writes a text into a document."""
    try:
        etree.Element("a").text = text
    except ValueError:
        return False
    return True


@example(OFTEN_REFUSED)
@given(st.text(st.characters()))
def test_text_loses_exactly_the_characters_that_cannot_be_sent(text):
    kept = sendable_text(text)

    assert kept == "".join(character for character in text if accepts(character))
    assert escape(text) == escape(kept)
