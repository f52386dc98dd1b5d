"""Files and links through the backend, against a vendor that keeps them."""

import io

import pytest

from bridge.errors import ProviderRejectedError
from bridge.interfaces import Field, FieldType, Parent

ATTACHMENT = "AttachmentInfo"
ACCOUNT = 1
HOME = Parent("Account", 0)


def values(title, kind="FILE_ATTACHMENT", **changes):
    given = {
        "ParentID": (0, FieldType.LONG),
        "ParentType": (ACCOUNT, FieldType.INTEGER),
        "Type": (kind, FieldType.STRING),
        "Title": (title, FieldType.STRING),
        "FullPath": ("plan <&>.bin", FieldType.STRING),
        "Publish": (1, FieldType.INTEGER),
    }
    return {
        Field(name, type_): changes.get(name, value)
        for name, (value, type_) in given.items()
    }


@pytest.mark.parametrize(
    "data", [b"x", bytes(range(256)), b"\0" * 49_152 + b"end", bytes(200_001)]
)
def test_a_file_comes_back_as_it_was_attached(backend, data):
    number = backend.create_attachment(HOME, values("Plan"), io.BytesIO(data))

    found = backend.attachment(HOME, number)

    assert found == backend.attachment(None, number)
    assert found.data == data
    assert found.info["Title"] == "Plan"
    assert found.info["FullPath"] == "plan <&>.bin"
    assert found.info["ParentID"] == 0


def test_a_link_has_no_data(backend):
    wanted = values("Site", "URL", FullPath="https://harbor.example/a?b=1&c=2")
    number = backend.create_attachment(HOME, wanted, None)

    found = backend.attachment(None, number)

    assert found.data is None
    assert found.info["FullPath"] == "https://harbor.example/a?b=1&c=2"


@pytest.mark.parametrize("parent", [HOME, None])
def test_a_deleted_one_is_gone(backend, parent):
    number = backend.create_attachment(HOME, values("Draft"), io.BytesIO(b"draft"))

    backend.delete_attachment(parent, number)

    with pytest.raises(ProviderRejectedError):
        backend.delete_attachment(parent, number)


def test_a_parent_that_is_not_there_is_refused(backend):
    wanted = values("Lost", ParentID=999_999_999)

    with pytest.raises(ProviderRejectedError):
        backend.create_attachment(HOME, wanted, io.BytesIO(b"lost"))
