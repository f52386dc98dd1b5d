"""Children of a record: `/accounts/7/contacts` and `/Account/7/Contact/9`.

The views are those of records, after the link to the record was found: a list costs one
vendor call more if it is empty, a create and a delete always. Source: elements-api 4.6.
"""

from __future__ import annotations

from flask import Response

from bridge.services.objects import find_object
from bridge.services.records import parents
from bridge.services.records.mapping import open_mapping
from bridge.web.http import request_context
from bridge.web.http.routing import Route, View
from bridge.web.routes import hubs

_ALL = "/<object:object_name>/<record_id>/<child>"


def _of_parent(record_view: View) -> View:
    """Return a view of children from the view of records that it restricts."""

    def view(
        object_name: str, record_id: str, child: str, child_id: str | None = None
    ) -> Response:
        ctx, instance = request_context.context(), hubs.enabled_instance()
        parent = find_object(ctx, instance, object_name)
        link = parents.find_link(open_mapping(ctx, instance, child), parent, record_id)
        ids = () if child_id is None else (child_id,)
        return record_view(child, *ids, link)

    return view


list_children = _of_parent(hubs.list_records)
create_child = _of_parent(hubs.create_record)
get_child = _of_parent(hubs.get_record)
update_child = _of_parent(hubs.update_record)
delete_child = _of_parent(hubs.delete_record)

ROUTES = tuple(
    Route(prefix + path, view, methods, endpoint)
    for prefix in hubs.PREFIXES
    for path, view, methods, endpoint in (
        (_ALL, list_children, ["GET"], "list_children"),
        (_ALL, create_child, ["POST"], "create_child"),
        (f"{_ALL}/<child_id>", get_child, ["GET"], "get_child"),
        (f"{_ALL}/<child_id>", update_child, ["PATCH", "PUT"], "update_child"),
        (f"{_ALL}/<child_id>", delete_child, ["DELETE"], "delete_child"),
    )
)
