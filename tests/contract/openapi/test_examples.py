"""The example bodies of the descriptions are complete, valid and accepted."""

from __future__ import annotations

import secrets

import pytest
from jsonschema import Draft202012Validator

UPLOAD = "createObjectNameAttachment"
"""Its body is a file."""


def bodies(document):
    """Yield operation id, schema and example of every JSON body."""
    for item in document["paths"].values():
        for operation in item.values():
            if "requestBody" in operation and operation["operationId"] != UPLOAD:
                content = operation["requestBody"]["content"]["application/json"]
                schema = {**content["schema"], "components": document["components"]}
                yield operation["operationId"], schema, content.get("example")


@pytest.mark.parametrize("kind", ["generic", "own"])
def test_every_body_has_an_example_that_fits_its_schema(kind, request):
    document = request.getfixturevalue(kind)
    problems = []
    for name, schema, example in bodies(document):
        if not example:
            problems.append(f"{name}: none")
            continue
        errors = Draft202012Validator(schema).iter_errors(example)
        problems += [f"{name}: {error.message}" for error in errors]

    assert problems == []


@pytest.mark.parametrize(
    "resource",
    [
        "accounts",
        "leads",
        "contacts",
        "opportunities",
        "tasks",
        "products",
        "users",
        "customers",
        "Contact",
        "accounts/0/contacts",
    ],
)
def test_a_record_is_created_and_updated_by_the_examples(api, generic, resource):
    path = example_path(resource)
    body = example(generic, "post", path)
    if resource in {"users", "customers"}:
        contact = api.call("POST", "/hubs/crm/contacts", person(generic)).json()
        # A contact has one login, and its name is taken once.
        body |= {"contactID": contact["id"], "userName": secrets.token_hex(6)}

    made = api.call("POST", f"/hubs/crm/{resource}", body)
    assert made.status == 200, made.body

    item = next(each for each in generic["paths"] if each.startswith(f"{path}/{{"))
    change = example(generic, "patch", item)
    changed = api.call("PATCH", f"/hubs/crm/{resource}/{made.json()['id']}", change)
    assert changed.status == 200, changed.body
    assert changed.json().items() >= change.items()


@pytest.mark.parametrize("resource", ["invoices", "sales-orders"])
def test_a_record_that_cannot_be_created_is_updated_by_the_example(
    api, generic, resource
):
    change = example(generic, "patch", f"/hubs/crm/{resource}/{{id}}")
    [record] = api.get(f"/hubs/crm/{resource}?pageSize=1").json()

    changed = api.call("PATCH", f"/hubs/crm/{resource}/{record['id']}", change)

    assert changed.status == 200, changed.body


def test_swagger_has_the_examples_in_its_definitions(swagger, generic):
    definitions = swagger["definitions"]

    assert definitions["ContactCreate"]["example"] == person(generic)
    assert definitions["ContactUpdate"]["example"] == {"phone": "518-555-0143"}
    assert "example" not in definitions["Record"]


def example_path(resource):
    if resource == "Contact":
        return "/hubs/crm/{objectName}"
    if resource == "accounts/0/contacts":
        return "/hubs/crm/{objectName}/{objectId}/{childObjectName}"
    return f"/hubs/crm/{resource}"


def example(document, method, path):
    body = document["paths"][path][method]["requestBody"]
    return {**body["content"]["application/json"]["example"]}


def person(document):
    return example(document, "post", "/hubs/crm/contacts")
