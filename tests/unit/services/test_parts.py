"""Parts of a definition: numbered, added, replaced and removed."""

import pytest

from bridge.errors import InvalidRequestError, NotFoundError
from bridge.services.extended_resources import components

STORED = {
    "path": "/x",
    "hooks": [{"type": "event"}, "junk", {"id": 7}, {"id": 7}, {"id": True}],
    "model": {"name": "x"},
}


def ids(document, part):
    return [item["id"] for item in components.list_components(document, part)]


def test_numbers_are_kept_and_the_rest_are_the_next():
    assert ids(STORED, "hooks") == [8, 7, 9, 10]
    assert ids(STORED, "models") == [1]
    assert ids(STORED, "parameters") == []
    assert ids({"parameters": "junk", "model": 5}, "parameters") == []
    assert ids({"model": 5}, "models") == []


def test_a_part_is_added_and_the_numbers_that_were_shown_stay():
    document, added = components.add_component(
        STORED, "hooks", {"id": 1, "type": "preRequest"}
    )

    assert added == {"id": 11, "type": "preRequest", "isLegacy": False}
    assert ids(document, "hooks") == [8, 7, 9, 10, 11]
    assert document["hooks"][1] == "junk"
    without = components.remove_component(document, "hooks", "8")
    assert ids(without, "hooks") == [7, 9, 10, 11]


def test_a_part_is_replaced_under_its_number():
    document, changed = components.replace_component(
        STORED, "hooks", "9", {"id": 3, "a": 1}
    )

    assert changed == {"id": 9, "a": 1, "isLegacy": False}
    assert components.find_component(document, "hooks", "9") == changed
    assert ids(document, "hooks") == ids(STORED, "hooks")


def test_there_is_one_model():
    document, added = components.add_component(STORED, "models", {"name": "y"})

    assert added == {"name": "y", "id": 2}
    assert document["model"] == added
    assert "model" not in components.remove_component(document, "models", "2")
    assert "model" not in components.remove_components(STORED, "models")
    assert components.remove_components(STORED, "hooks")["hooks"] == []


@pytest.mark.parametrize("part_id", ["1", "junk", ""])
def test_what_is_not_there_is_not_found(part_id):
    for act in (components.find_component, components.remove_component):
        with pytest.raises(NotFoundError):
            act(STORED, "hooks", part_id)
    with pytest.raises(NotFoundError):
        components.replace_component(STORED, "hooks", part_id, {})


def test_there_is_an_end_to_them():
    full = {"hooks": [{}] * 200}

    with pytest.raises(InvalidRequestError):
        components.add_component(full, "hooks", {})


@pytest.mark.parametrize("legacy", [True, "true"])
def test_no_hook_becomes_a_legacy_one(legacy):
    stored = {"hooks": [{"isLegacy": False}, {"isLegacy": True}]}

    with pytest.raises(InvalidRequestError, match="legacy"):
        components.replace_component(stored, "hooks", "1", {"isLegacy": legacy})
    components.replace_component(stored, "hooks", "2", {"isLegacy": legacy})
    components.replace_component(stored, "hooks", "2", {"isLegacy": False})
    with pytest.raises(InvalidRequestError, match="legacy"):
        components.refuse_legacy_hooks(stored, {"hooks": [{"isLegacy": legacy}]})
    components.refuse_legacy_hooks(stored, {"hooks": [{}, {}, {"isLegacy": True}]})
