"""Characters that XML forbids are dropped, wherever a chunk ends."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.backends.autotask_soap.decode.characters import AllowedCharacters, Utf8
from bridge.errors import ProviderProtocolError

PIECES = [
    "a",
    "é😀",
    "&",
    "&#",
    ";",
    ">",
    "&amp;",
    "&#x1F;",
    "&#31;",
    "&#x41;",
    "&#00000011;",
    "&#xFFFE;",
    "&#xD83D;",
    "\x0b",
    "\x00",
    "\ufffe",
    "\uffff",
    "￩",
    "<",
    "<!",
    "<![CDATA[",
    "<![CDATA",
    "]",
    "]]>",
    "<!--",
    "<!-",
    "-",
    "-->",
    "<b>",
]
pieces = st.lists(st.sampled_from(PIECES), max_size=12)


def allowed(*chunks: bytes) -> bytes:
    characters = AllowedCharacters()
    passed = b"".join(map(characters.feed, chunks))
    return passed + characters.close()


@settings(max_examples=200, deadline=None)
@given(pieces)
@example(["<!-", "&#x1F;", "-", "&#x1F;"])
def test_chunk_boundaries_change_nothing(parts):
    data = "".join(parts).encode()
    whole = allowed(data)

    for cut in range(len(data)):
        assert allowed(data[:cut], data[cut:]) == whole
    assert allowed(*(data[n : n + 1] for n in range(len(data)))) == whole


@pytest.mark.parametrize(
    ("written", "left"),
    [
        (b"a&#x1F;b&#11;c&#0;", b"abc"),
        (b"&#x1f;&#x0000000000000000000000000000001f;", b""),
        (b"&#x9;&#10;&#xD;&#x20;&#xd7ff;&#xE000;&#xfffd;&#x10000;&#x10FFFF;",) * 2,
        (b"&#xD800;&#xDFFF;&#xFFFE;&#65535;&#x110000;&#99999999999;", b""),
        (bytes(range(0x20)), b"\t\n\r"),
        ("\ufffea\uffffb\uffe9".encode(), "ab\uffe9".encode()),
        (b"<![CDATA[&#1;\x01]]>&#1;", b"<![CDATA[&#1;]]>"),
        (b"<!--&#1;--&#1;>--><b>&#1;", b"<!--&#1;--&#1;>--><b>"),
        (b"<![CDATA[-->&#1;]]]]>&#1;", b"<![CDATA[-->&#1;]]]]>"),
        (b"<!-->&#1;]]>-->&#1;", b"<!-->&#1;]]>-->"),
        (b"&amp;#1; &#; &#x; &#xG; &1;",) * 2,
        (b"<![CDATA[&#1; never ends",) * 2,
        (b"ends with &#x1",) * 2,
    ],
)
def test_only_forbidden_characters_are_removed(written, left):
    assert allowed(written) == left
    assert allowed(*(written[n : n + 1] for n in range(len(written)))) == left


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.data())
def test_any_encoding_becomes_utf8(text, data):
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]))
    written = f"<a>{text}</a>".encode(encoding)
    cut = data.draw(st.integers(0, len(written)))
    utf8 = Utf8()

    read = utf8.feed(written[:cut]) + utf8.feed(written[cut:], final=True)

    assert read.decode() == f"<a>{text}</a>"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF-8", "utf-16", "windows-1252", "ascii"]
)
def test_the_declared_encoding_decides_and_is_removed(encoding):
    declaration = f"<?xml version='1.0' encoding='{encoding}' standalone='yes'?>"
    utf8 = Utf8()

    read = utf8.feed(f" \n{declaration}\n<a>b</a>".encode(encoding), final=True)

    assert read == b"\n<a>b</a>"


def test_a_wrong_declaration_of_utf16_is_not_believed():
    utf8 = Utf8()

    read = utf8.feed("<?xml version='1.0' encoding='utf-16'?><a>é</a>".encode())

    assert read.decode() == "<a>é</a>"


@pytest.mark.parametrize("encoding", ["base64", "rot13", "utf-7", "klingon", "_.-"])
def test_no_other_encoding_is_read(encoding):
    declaration = f"<?xml version='1.0' encoding='{encoding}'?>".encode()

    with pytest.raises(ProviderProtocolError, match=encoding):
        Utf8().feed(declaration)
