"""CEQL on short lists of documents, such as the catalogue of elements."""

import pytest

from bridge.errors import InvalidQueryError
from bridge.services.filtering.document_filter import select_documents

ONE = {
    "id": 50,
    "key": "autotaskcrm",
    "name": "Autotask CRM",
    "private": False,
    "authentication": {"type": "basic"},
    "parameters": [],
}
TWO = {"id": 51, "key": "other", "private": True, "rate": 1.5, "note": None}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", [ONE, TWO]),
        ("key in ('nosuch')", []),
        ("key in ('autotaskcrm', 'nosuch')", [ONE]),
        ("key = 'AUTOTASKCRM'", [ONE]),
        ('"Key" = "other"', [TWO]),
        ("name like '%crm'", [ONE]),
        ("id > 50", [TWO]),
        ("id = '50'", [ONE]),
        ("rate = 1.5", [TWO]),
        ("private='true'", [TWO]),
        ("private='true' AND abridged='true'", [TWO]),
        ("abridged='true'", [ONE, TWO]),
        ("not (abridged='true' or private=true)", [ONE]),
        ("abridged='true' or key='other'", [TWO]),
        ("authentication.type = 'basic'", [ONE]),
        ("name is null", [TWO]),
        ("name != 'x'", [ONE]),
        ("parameters = 'x' and note = 'y'", [ONE, TWO]),
    ],
)
def test_documents_are_chosen(where, found):
    assert select_documents(where, [ONE, TWO]) == found


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("key =", "value expected at position 5"),
        ("key='x' and private='maybe'", "private must be true or false at position 12"),
        ("id = 'x'", "the value of id must be a whole number at position 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(where, says):
    with pytest.raises(InvalidQueryError, match=says):
        select_documents(where, [ONE, TWO])
