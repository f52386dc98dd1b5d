"""Parsing untrusted XML: refusals, their messages, and positions of elements."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.sandbox.soap import xml_reader
from bridge.sandbox.soap.xml_reader import UnreadableXmlError

LARGE = 4_000_000
PIECES = ["<a>", "</a>", "<b x='1'>", "</b>", "&", ";", "'", "é", "]]>", "<!--", "-->"]


def test_the_place_of_every_element():
    chance = random.Random(1)
    marks = {}
    text = "<?xml version='1.0'?>\n<root>"
    for number in range(300):
        text += chance.choice(["", "\n", "é😀", "<!-- <x> -->", "<?p i?>", "\r\n  "])
        marks[f"e{number}"] = len(text)
        text += f"<e{number} a='>'>" + chance.choice(["", "t\n"]) + f"</e{number}>"
    text += "</root>"
    root = xml_reader.read(text.encode())

    for name, start in marks.items():
        line = text.count("\n", 0, start) + 1
        column = start - text.rfind("\n", 0, start) + 1
        assert xml_reader.position(text.encode(), root.find(name)) == (line, column)


def test_a_place_that_cannot_be_found_is_the_line():
    text = "<?xml version='1.0' encoding='euc-jp'?>\n<a>\n<b/></a>"
    root = xml_reader.read(text.encode("euc-jp"))

    assert xml_reader.position(text.encode("euc-jp"), root[0]) in {(3, 1), (3, 2)}


@pytest.mark.parametrize("size", [0, LARGE])
def test_levels_end_somewhere(size):
    def nested(levels):
        return b"<a>" * levels + b"x" * size + b"</a>" * levels

    assert xml_reader.read(nested(250)).tag == "a"
    with pytest.raises(UnreadableXmlError, match="more elements, levels or text"):
        xml_reader.read(nested(300))


@pytest.mark.parametrize(
    "prolog",
    [
        "",
        '<?xml version="1.0"?>',
        '\ufeff<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n',
        "<?xml version='1.0' encoding='utf-8'?><!-- a --> <!-- <!DOCTYPE b> -->",
    ],
)
def test_a_text_may_be_as_long_as_the_whole(prolog):
    text = f"{prolog}<a>{'x' * 11_000_000}</a>"

    assert len(xml_reader.read(text.encode()).text) == 11_000_000


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]>',
        '<?xml version="1.0"?><!-- a --><!DOCTYPE a>',
        '<?p i?><!DOCTYPE a [<!ENTITY b "c">]>',
    ],
)
def test_a_dtd_is_refused_at_any_size(prolog):
    for size in (1, LARGE):
        text = f"{prolog}<a>{'x' * size}</a>"
        with pytest.raises(UnreadableXmlError, match="DTD is prohibited"):
            xml_reader.read(text.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "cp037"])
def test_no_encoding_hides_a_dtd_from_the_parser_s_limits(encoding):
    bomb = "".join(f'<!ENTITY {b} "{f"&{a};" * 30}">' for a, b in ("ab", "bc", "cd"))
    bomb = f'<!DOCTYPE x [<!ENTITY a "{"ha" * 5000}">{bomb}]><x y="&d;">'
    text = f'<?xml version="1.0" encoding="{encoding}"?>{bomb}{" " * LARGE}</x>'

    with pytest.raises(UnreadableXmlError):
        xml_reader.read(text.encode(encoding))


@given(parts=st.lists(st.sampled_from(PIECES), max_size=12))
def test_a_sentence_is_never_the_parser_s_own(parts):
    data = "".join(parts).encode()
    try:
        etree.fromstring(data)
    except etree.XMLSyntaxError as error:
        own = str(error.msg).partition(", line")[0].strip()
    else:
        return

    with pytest.raises(UnreadableXmlError) as refused:
        xml_reader.read(data)

    assert own not in refused.value.message
    assert refused.value.message.endswith(".")
