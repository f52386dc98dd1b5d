"""Texts of typed values, converted as the vendor's reader converts them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.soap import primitives
from bridge.sandbox.soap.primitives import BadPrimitiveError


@pytest.mark.parametrize(
    ("type_", "text", "made"),
    [
        ("int", " +007\n", "7"),
        ("int", "-2147483648", "-2147483648"),
        ("long", "0" * 5000 + "1", "1"),
        ("unsignedLong", "18446744073709551615", "18446744073709551615"),
        ("byte", "-128", "-128"),
        ("boolean", " true ", " true "),
        ("decimal", "-.5", "-.5"),
        ("decimal", "79228162514264337593543950335", "79228162514264337593543950335"),
        ("double", "1e400", "1e400"),
        ("double", "-INF", "-INF"),
        ("float", "NaN", "NaN"),
        ("dateTime", "2021-06-14T11:00:00.1234567Z", "2021-06-14T11:00:00.1234567Z"),
        ("dateTime", "2021-06-14", "2021-06-14"),
        ("string", " as it is ", " as it is "),
        ("integer", "a text to the reader", "a text to the reader"),
        ("frob", "x", "x"),
    ],
)
def test_what_becomes_of_a_text(type_, text, made):
    assert primitives.convert(type_, text) == made


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        *(
            ("int", text)
            for text in ("", "1.0", "1e3", "2147483648", "0x1", "\u0661", "9" * 99)
        ),
        *(("boolean", text) for text in ("", "True", "yes", "01")),
        *(("decimal", text) for text in ("", ".", "1e3", "1,0", "9" * 30)),
        *(("double", text) for text in ("", "inf", "1d", "+NaN", "--1")),
        *(
            ("dateTime", text)
            for text in ("", "now", "2021-02-30", "2021-06-14T25:00:00")
        ),
        ("unsignedInt", "-1"),
    ],
)
def test_invalid_values(type_, text):
    with pytest.raises(BadPrimitiveError) as refused:
        primitives.convert(type_, text)

    assert refused.value.inner.startswith("System.")


@given(type_=st.sampled_from(["int", "decimal", "double", "dateTime"]), text=st.text())
def test_no_text_makes_it_fail_otherwise(type_, text):
    with suppress(BadPrimitiveError):
        primitives.convert(type_, text)


def test_the_reader_knows_types_by_their_exact_names():
    assert primitives.is_known("int")
    assert primitives.is_known("anyURI")
    assert not primitives.is_known("Int")
    assert not primitives.is_known("anyType")
