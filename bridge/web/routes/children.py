"""Children of a record: `/accounts/7/contacts` and `/Account/7/Contact/9`.

Source: elements-api 4.6.
"""

from __future__ import annotations

from flask import Flask, Response

from bridge.services.records import parents
from bridge.services.records.parents import ParentLink
from bridge.web.http import request_context
from bridge.web.routes import hubs

_ALL = "/<object:object_name>/<record_id>/<child>"


def register(app: Flask) -> None:
    """Add every route twice, with the hub and without."""
    for prefix in hubs.PREFIXES:
        for path, view, methods in (
            (_ALL, list_children, ["GET"]),
            (_ALL, create_child, ["POST"]),
            (f"{_ALL}/<child_id>", get_child, ["GET"]),
            (f"{_ALL}/<child_id>", update_child, ["PATCH", "PUT"]),
            (f"{_ALL}/<child_id>", delete_child, ["DELETE"]),
        ):
            app.add_url_rule(prefix + path, view_func=view, methods=methods)


def list_children(object_name: str, record_id: str, child: str) -> Response:
    """Return a page of children; one vendor call more when there are none."""
    return hubs.list_records(child, _find_link(object_name, record_id, child))


def create_child(object_name: str, record_id: str, child: str) -> Response:
    """Create a child and return it as stored. Three vendor calls."""
    return hubs.create_record(child, _find_link(object_name, record_id, child))


def get_child(object_name: str, record_id: str, child: str, child_id: str) -> Response:
    """Return one child. One vendor call."""
    link = _find_link(object_name, record_id, child)
    return hubs.get_record(child, child_id, link)


def update_child(
    object_name: str, record_id: str, child: str, child_id: str
) -> Response:
    """Change the members sent and return the whole child. Three vendor calls."""
    link = _find_link(object_name, record_id, child)
    return hubs.update_record(child, child_id, link)


def delete_child(
    object_name: str, record_id: str, child: str, child_id: str
) -> Response:
    """Delete one child. Two vendor calls."""
    link = _find_link(object_name, record_id, child)
    return hubs.delete_record(child, child_id, link)


def _find_link(object_name: str, record_id: str, child: str) -> ParentLink:
    return parents.find_link(
        request_context.context(),
        hubs.enabled_instance(),
        object_name,
        record_id,
        child,
    )
