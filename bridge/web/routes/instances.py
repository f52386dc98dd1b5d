"""Instances: by id, by token, and below their element. Source: elements-api 2.2."""

from __future__ import annotations

from flask import Response, request
from werkzeug.routing import BaseConverter

from bridge.errors import NotFoundError
from bridge.services.instances import configuration, lifecycle
from bridge.services.instances.bodies import instance_document
from bridge.store.instances import Instance
from bridge.web.http import bodies, query_string, request_context, responses
from bridge.web.http.route_auth import BASE, TOKEN_FORMS
from bridge.web.http.routing import Route

_ALL = f"{BASE}/instances"
_ONE = f"{BASE}/instances/<instance:instance_id>"
_OF_ELEMENT = f"{BASE}/elements/<element>/instances"


class InstanceId(BaseConverter):
    """Path converter: id of an instance; `enabled` and the like are token forms."""

    part_isolating = True
    regex = rf"(?!(?:{'|'.join(sorted(TOKEN_FORMS | {'count'}))})\Z)[^/]+"


def list_instances(element: str | None = None) -> Response:
    """Return a page of the caller's instances. No vendor call."""
    search, notes = query_string.instance_search(
        query_string.current_query(), element_key=element
    )
    page = lifecycle.list_instances(*request_context.caller(), search)
    return responses.json_page(page, notes)


def count_instances() -> Response:
    """Return the number of instances that the caller can see. No vendor call."""
    return responses.json_object(lifecycle.count_instances(*request_context.caller()))


def create_instance(element: str | None = None) -> Response:
    """Verify credentials and store an instance. Two vendor calls."""
    ctx, user = request_context.caller()
    body = bodies.current_object()
    return responses.json_object(
        lifecycle.create_instance(ctx, user, body, element_key_or_id=element)
    )


def get_instance(instance_id: str, element: str | None = None) -> Response:
    """Return one instance. No vendor call."""
    instance = find_instance(instance_id, element)
    return responses.json_object(instance_document(request_context.context(), instance))


def change_instance(
    instance_id: str | None = None, element: str | None = None
) -> Response:
    """Replace (`PUT`) or change (`PATCH`) an instance. Up to two vendor calls."""
    instance = find_instance(instance_id, element)
    change = (
        lifecycle.replace_instance
        if request.method == "PUT"
        else lifecycle.patch_instance
    )
    document = change(
        request_context.context(),
        instance,
        bodies.current_object(),
        reauthenticate=query_string.current_flag("reAuthenticate", default=True),
    )
    return responses.json_object(document)


def delete_instance(
    instance_id: str | None = None, element: str | None = None
) -> Response:
    """Delete an instance; a body is ignored. No vendor call."""
    lifecycle.delete_instance(
        request_context.context(), find_instance(instance_id, element)
    )
    return responses.empty()


def switch_instance(instance_id: str | None = None) -> Response:
    """Enable (`PUT`) or disable (`DELETE`) an instance. No vendor call."""
    enabled = request.method == "PUT"
    lifecycle.set_enabled(
        request_context.context(), find_instance(instance_id), enabled=enabled
    )
    return responses.empty()


def list_configuration(instance_id: str | None = None) -> Response:
    """Return the entries of an instance's configuration. No vendor call."""
    entries = configuration.list_entries(
        request_context.context(), find_instance(instance_id)
    )
    return responses.json_list(entries)


def get_configuration(config_id: str, instance_id: str | None = None) -> Response:
    """Return one entry. No vendor call."""
    instance = find_instance(instance_id)
    return responses.json_object(
        configuration.get_entry(request_context.context(), instance, config_id)
    )


def patch_configuration(config_id: str, instance_id: str | None = None) -> Response:
    """Change one entry. Two vendor calls for a credential, none otherwise."""
    instance, body = find_instance(instance_id), bodies.current_object()
    return responses.json_object(
        configuration.patch_entry(request_context.context(), instance, config_id, body)
    )


def find_instance(instance_id: str | None, element: str | None = None) -> Instance:
    """Return the instance of a path, or of the token if the path has no id.

    Raises:
        NotFoundError: unknown, not visible to the caller, or of another element.
    """
    if instance_id is None:
        return request_context.instance()
    instance = lifecycle.find_instance(*request_context.caller(), instance_id)
    if element is not None:
        key = lifecycle.find_element(request_context.context(), element).key
        if instance.element_key != key:
            raise NotFoundError(f"No instance {instance_id} of element {element}.")
    return instance


ROUTES = (
    Route(_ALL, list_instances),
    Route(_ALL, create_instance, ["POST"]),
    Route(f"{_ALL}/count", count_instances),
    Route(_OF_ELEMENT, list_instances),
    Route(_OF_ELEMENT, create_instance, ["POST"]),
    Route(_ONE, get_instance),
    Route(f"{_OF_ELEMENT}/<instance_id>", get_instance),
    Route(_ONE, change_instance, ["PUT", "PATCH"]),
    Route(_ALL, change_instance, ["PUT", "PATCH"]),
    Route(f"{_OF_ELEMENT}/<instance_id>", change_instance, ["PUT"]),
    Route(_ONE, delete_instance, ["DELETE"]),
    Route(_ALL, delete_instance, ["DELETE"]),
    Route(f"{_OF_ELEMENT}/<instance_id>", delete_instance, ["DELETE"]),
    Route(f"{_ONE}/enabled", switch_instance, ["PUT", "DELETE"]),
    Route(f"{_ALL}/enabled", switch_instance, ["PUT", "DELETE"]),
    Route(f"{_ONE}/configuration", list_configuration),
    Route(f"{_ALL}/configuration", list_configuration),
    Route(f"{_ONE}/configuration/<config_id>", get_configuration),
    Route(f"{_ALL}/configuration/<config_id>", get_configuration),
    Route(f"{_ONE}/configuration/<config_id>", patch_configuration, ["PATCH"]),
    Route(f"{_ALL}/configuration/<config_id>", patch_configuration, ["PATCH"]),
)
