"""An added resource with a model is an object with fields. Source: elements-api 3.5."""

from __future__ import annotations

import secrets

import pytest

HELIUM = {"Elements-Version": "Helium"}


@pytest.fixture
def model():
    def model(name):
        return {
            "name": name,
            "transform": False,
            "swagger": {
                name: {
                    "required": ["id"],
                    "properties": {
                        "id": {"type": "integer"},
                        "since": {"type": "string", "format": "date-time"},
                        "kind": {"type": "string", "enum": ["a", "b"]},
                    },
                }
            },
        }

    return model


def test_the_model_answers_under_its_name_and_under_the_path(api, add, vendor, model):
    word = secrets.token_hex(4)
    add(path=f"/hubs/crm/path{word}/{{id}}", model=model(f"Name{word}"))
    contact = api.get("/objects/Contact/metadata").json()["fields"][0]
    vendor.forget()

    by_path = api.get(f"/objects/path{word}/metadata")

    assert by_path.status == 200
    for path in (
        f"/objects/Name{word}/metadata",
        f"/hubs/crm/objects/name{word}/metadata",
        f"/instances/objects/PATH{word}/metadata",
    ):
        assert api.get(path).json() == by_path.json()
    fields = {field["path"]: field for field in by_path.json()["fields"]}
    types = {name: field["type"] for name, field in fields.items()}
    assert types == {"id": "integer", "since": "date", "kind": "string"}
    assert set(contact) - {"maxLength", "description"} <= set(fields["id"])
    assert all(field["custom"] is False for field in fields.values())
    assert fields["id"]["vendorRequired"] is True
    assert fields["kind"]["picklistValues"][1] == {"displayValue": "b", "value": "b"}
    assert "mask" in fields["since"]
    custom = api.get(f"/objects/path{word}/metadata?customFieldsOnly=true").json()
    assert custom == {"fields": []}
    helium = api.get(f"/objects/path{word}/metadata", headers=HELIUM).json()["fields"]
    assert [field["primaryKey"] for field in helium] == [True, False, False]
    assert vendor.calls() == {}


def test_what_is_built_in_is_not_hidden_by_a_models_name(api, add, model):
    before = api.get("/objects/Contact/metadata").json()
    accounts = api.get("/objects/accounts/metadata").json()

    add(model=model("Contact"))
    add(path="/accounts/{id}/more", model=model("accounts"))

    assert api.get("/objects/Contact/metadata").json() == before
    assert api.get("/objects/accounts/metadata").json() == accounts


def test_a_resource_in_the_place_of_a_built_in_one_has_its_own_fields(api, add, model):
    add(path="/products", model=model("own"))

    fields = api.get("/objects/products/metadata").json()["fields"]

    assert [field["path"] for field in fields] == ["id", "since", "kind"]


def test_without_a_model_there_are_no_fields(api, add, foreign, model):
    word = secrets.token_hex(4)
    add(path=f"/none{word}")
    add(path=f"/junk{word}", model={"name": f"Junk{word}", "swagger": {"x": 7}})
    add(path=f"/mine{word}", model=model(f"Mine{word}"))

    for name in ("none", "junk", "Junk"):
        assert api.get(f"/objects/{name}{word}/metadata").status == 404
    for name in ("mine", "Mine"):
        assert foreign.get(f"/objects/{name}{word}/metadata").status == 404


def test_a_model_that_is_added_later_counts(api, add, model):
    made = add()
    path = f"/elements/50/resources/{made['id']}/models"
    name = made["path"].strip("/")
    assert api.get(f"/objects/{name}/metadata").status == 404

    api.call("POST", path, model("late"), authorization=api.platform)

    assert len(api.get(f"/objects/{name}/metadata").json()["fields"]) == 3
