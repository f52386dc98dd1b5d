"""`api.yaml` as Python data, with each operation complete in itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bridge.services.openapi.schema import Components, Operation, Paths, component_of

HUB = "/hubs/crm"
"""The prefix of paths of records in `api.yaml`; they are served without it as well."""

_INLINED = frozenset({"parameters", "requestBodies", "responses"})


@dataclass(frozen=True, slots=True)
class ApiDefinition:
    """The content of `api.yaml`. It is shared by all requests: never change it.

    `resource_paths` are the templates of each resource of the catalogue, and
    `extended_operation` is the template of a resource that an account added.
    """

    description: str
    components: Components
    paths: Paths
    resource_paths: Paths
    extended_operation: Operation

    @property
    def hub_paths(self) -> Paths:
        """The paths of records, which are all that the Swagger documents hold."""
        prefix = f"{HUB}/"
        return {p: item for p, item in self.paths.items() if p.startswith(prefix)}


@cache
def load_api(*, strict: bool) -> ApiDefinition:
    """Read `api.yaml`, once per process and not before a document is requested.

    `strict` adds the statuses that an operator may enable.
    """
    # libyaml needs 50 ms for the file, the loader in Python seven times as long.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    source = (files(__package__) / "api.yaml").read_bytes()
    document = yaml.load(source, Loader=loader)  # noqa: S506 - both are safe loaders
    components = document["components"]
    more = document["x-shared"]["strictFailures"] if strict else {}

    def read(paths: dict[str, Any]) -> Paths:
        return {
            path: _operations(_inline(item, components), more)
            for path, item in paths.items()
        }

    template = {"get": document["x-extended-operation"]}
    return ApiDefinition(
        description=document["info"]["description"],
        components=components,
        paths=read(document["paths"]),
        resource_paths=read(document["x-resource-paths"]),
        extended_operation=read({"": template})[""]["get"],
    )


def _operations(item: dict[str, Any], more: dict[str, Any]) -> dict[str, Operation]:
    """Return the operations of a path with all their parameters and responses."""
    shared = item.get("parameters", [])
    return {
        method: {
            **operation,
            "parameters": [
                {"required": False, **parameter}
                for parameter in (*shared, *operation.get("parameters", ()))
            ],
            "responses": dict(sorted({**operation["responses"], **more}.items())),
        }
        for method, operation in item.items()
        if method != "parameters"
    }


def _inline(part: Any, components: Components) -> Any:  # noqa: ANN401 - any JSON
    """Return a part with parameters, bodies and successes in place of references.

    Failures stay references, as schemas do: each operation has all of them.
    """
    if isinstance(part, list):
        return [_inline(item, components) for item in part]
    if not isinstance(part, dict):
        return part
    kind, name = component_of(part) or ("", "")
    if kind in _INLINED and not name.isdigit():
        return _inline(components[kind][name], components)
    return {name: _inline(item, components) for name, item in part.items()}
