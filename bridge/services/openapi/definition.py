"""`api.yaml` as Python data, with each operation complete in itself."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from bridge.services.openapi.schema import Object

HUB = "/hubs/crm"
"""The prefix of paths of records in `api.yaml`; they are served without it as well."""

_INLINED = frozenset({"parameters", "requestBodies", "responses"})


@cache
def load_api(*, strict: bool) -> Object:
    """Read `api.yaml`, once per process and not before a document is requested.

    Its operations name all their parameters and responses; what they still refer to is
    in `components`. The templates of resources become JSON text. `strict` adds the
    statuses that an operator may enable. The result is shared by all requests: never
    change it.
    """
    import yaml  # noqa: PLC0415 - 25 ms at every start; only documents need it

    # libyaml needs 50 ms for the file, the loader in Python seven times as long.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    source = (files(__package__) / "api.yaml").read_bytes()
    api: Object = yaml.load(source, Loader=loader)  # noqa: S506 - both are safe loaders
    shared, components = api["x-shared"], api["components"]
    more = shared["strictFailures"] if strict else {}
    for section in ("paths", "x-resource-paths"):
        api[section] = {
            path: {
                method: _complete(operation, item.get("parameters", ()), more)
                for method, operation in item.items()
                if method != "parameters"
            }
            for path, item in _inline(api[section], components).items()
        }
    api["x-resource-paths"] = json.dumps(api["x-resource-paths"])
    template = _inline(api["x-extended-operation"], components)
    api["x-extended-operation"] = _complete(template, (), more)
    statuses = sorted({**shared["failuresWithBody"], **more})
    api["components"] = {
        **{kind: components[kind] for kind in ("securitySchemes", "headers")},
        "responses": {status: components["responses"][status] for status in statuses},
        "schemas": components["schemas"],
    }
    return api


def _complete(operation: Object, shared: Any, more: Object) -> Object:  # noqa: ANN401
    """Return an operation with the parameters of its path and all its responses."""
    parameters = (*shared, *operation.get("parameters", ()))
    return {
        **operation,
        "parameters": [{"required": False, **each} for each in parameters],
        # Ascending, as pages and generated clients list them in this order.
        "responses": dict(sorted({**operation["responses"], **more}.items())),
    }


def _inline(part: Any, components: Object) -> Any:  # noqa: ANN401 - any JSON
    """Return a copy with parameters, bodies and successes in place of references.

    Failures stay references, as schemas do: each operation has all of them.
    """
    if isinstance(part, list):
        return [_inline(item, components) for item in part]
    if not isinstance(part, dict):
        return part
    if isinstance(target := part.get("$ref"), str):
        kind, name = target.split("/")[-2:]
        if kind in _INLINED and not name.isdigit():
            return _inline(components[kind][name], components)
    return {name: _inline(item, components) for name, item in part.items()}
