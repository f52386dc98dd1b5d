"""Organization, accounts and users of the platform. Source: elements-api appendix A.

`/accounts` and `/users` without a hub are records of the element if the request has an
Element part, else the platform's accounts and users. Source: elements-api 1.3.
"""

from __future__ import annotations

from flask import Response, request

from bridge.services.instances import lifecycle
from bridge.services.organizations import accounts, users
from bridge.services.organizations.bodies import AccountFields
from bridge.store.organizations import User
from bridge.web.http import bodies, query_string, request_context, responses
from bridge.web.http.route_auth import BASE
from bridge.web.http.routing import Route, View
from bridge.web.routes import children, hubs

_ACCOUNTS = f"{BASE}/accounts"
_ACCOUNT = f"{_ACCOUNTS}/<account_id>"
_USERS = f"{BASE}/users"
_USER = f"{_USERS}/<user_id>"
_ROLES = f"{_USER}/roles"
_MEMBER = f"{BASE}/organizations/users/<id_or_email>"


def refuse_method(**_path: str) -> Response:
    """Refuse a method that a path of accounts does not support."""
    request_context.refuse_method(request.method)


def get_organization() -> Response:
    """Return the caller's organization."""
    return responses.json_object(accounts.organization_document(request_context.user()))


def list_accounts() -> Response:
    """Return a page of the organization's accounts."""
    query = query_string.current_query()
    page, notes = query_string.page_request(query)
    where = query_string.text(query, "where")
    found = accounts.list_accounts(*request_context.caller(), where, page)
    return responses.json_page(found, notes)


def create_account() -> Response:
    """Create an account."""
    return _fields_response(
        accounts.add_account(*request_context.caller(), bodies.current_object())
    )


def get_account(account_id: str) -> Response:
    """Return one account."""
    account = accounts.find_account(*request_context.caller(), account_id)
    return responses.json_object(accounts.account_document(account))


def change_account(account_id: str) -> Response:
    """Change an account."""
    body = bodies.current_object()
    return _fields_response(
        accounts.change_account(*request_context.caller(), account_id, body)
    )


def delete_account(account_id: str) -> Response:
    """Delete an account."""
    accounts.remove_account(*request_context.caller(), account_id)
    return responses.empty()


def list_users(account_id: str | None = None) -> Response:
    """Return a page of users, of one account or of all."""
    query = query_string.current_query()
    page, notes = query_string.page_request(query)
    where = query_string.text(query, "where")
    found = users.list_users(*request_context.caller(), account_id, where, page)
    return responses.json_page(found, notes)


def create_user(account_id: str) -> Response:
    """Create a user; only this response contains the secret."""
    body = bodies.current_object()
    return _fields_response(users.add_user(*request_context.caller(), account_id, body))


def get_user(user_id: str, account_id: str | None = None) -> Response:
    """Return one user."""
    return responses.json_object(users.user_document(_find_user(user_id, account_id)))


def change_user(user_id: str, account_id: str | None = None) -> Response:
    """Change a user; with `permanent=true`, a deactivated one loses its instances."""
    body, found = bodies.current_object(), _find_user(user_id, account_id)
    permanent = query_string.current_flag("permanent")
    return _fields_response(
        users.change_user(*request_context.caller(), found, body, permanent=permanent)
    )


def delete_user(user_id: str) -> Response:
    """Delete a user."""
    users.remove_user(*request_context.caller(), _find_user(user_id))
    return responses.empty()


def get_member(id_or_email: str) -> Response:
    """Return one user of the organization."""
    return responses.json_object(users.user_document(_find_member(id_or_email)))


def delete_member(id_or_email: str) -> Response:
    """Delete a user of the organization."""
    users.remove_user(*request_context.caller(), _find_member(id_or_email))
    return responses.empty()


def list_user_roles(user_id: str) -> Response:
    """Return the roles of a user: always empty."""
    _find_user(user_id)
    return responses.json_list([])


def refuse_user_role(user_id: str, role: str) -> Response:
    """Refuse to change a role of a user: no role is supported."""
    users.refuse_user_role(*request_context.caller(), user_id, role)


def list_roles(account_id: str) -> Response:
    """Return the roles of an account."""
    return responses.json_list(
        accounts.list_roles(*request_context.caller(), account_id)
    )


def refuse_role(account_id: str, role: str) -> Response:
    """Refuse to change a role of an account: no role is supported."""
    accounts.refuse_role(*request_context.caller(), account_id, role)


def list_account_instances(account_id: str | None = None) -> Response:
    """Return a page of an account's instances; without an id, of the caller's."""
    ctx, user = request_context.caller()
    search, notes = query_string.instance_search(query_string.current_query())
    own = user.account_id
    if account_id is not None:
        own = accounts.find_own_account(ctx, user, account_id).id
    page = lifecycle.list_of_account(ctx, user, own, search)
    return responses.json_page(page, notes)


def read_settings(account_id: str | None = None) -> Response:
    """Return the settings of an account."""
    ctx, user = request_context.caller()
    of_account = account_id or str(user.account_id)
    return responses.json_object(accounts.read_settings(ctx, user, of_account))


def write_settings(account_id: str | None = None) -> Response:
    """Change the settings that the body names; return all settings."""
    ctx, user = request_context.caller()
    of_account, body = account_id or str(user.account_id), bodies.current_object()
    return responses.json_object(accounts.write_settings(ctx, user, of_account, body))


def _find_user(user_id: str, account_id: str | None = None) -> User:
    return users.find_user(*request_context.caller(), user_id, account_id)


def _find_member(id_or_email: str) -> User:
    return users.find_by_id_or_email(*request_context.caller(), id_or_email)


def _fields_response(fields: AccountFields) -> Response:
    return responses.json_object(fields.document, ignored=fields.ignored)


def _roles(records: View) -> View:
    """Return a view of child records for the path of a user's roles."""

    def view(name: str, user_id: str, *role: str) -> Response:
        return records(name, user_id, "roles", *role)

    return view


def _platform_or_records(name: str, platform: View | None, records: View) -> View:
    """Return a view that serves records if an instance is open, else the platform."""

    def view(**values: str) -> Response:
        # An instance is open if the request has an Element part: see `route_auth`.
        # Values are passed by position, because the views of records name them
        # differently.
        if request_context.find_instance() is not None:
            return records(name, *values.values())
        if platform is None:
            request_context.refuse_method(request.method)
        return platform(**values)

    return view


# Paths that both the platform and the element have: method, view, view of records.
_SHARED: tuple[tuple[str, str, View | None, View], ...] = (
    (_ACCOUNTS, "GET", list_accounts, hubs.list_records),
    (_ACCOUNTS, "POST", create_account, hubs.create_record),
    (_ACCOUNT, "GET", get_account, hubs.get_record),
    (_ACCOUNT, "PATCH", change_account, hubs.update_record),
    (_ACCOUNT, "PUT", change_account, hubs.update_record),
    (_ACCOUNT, "DELETE", delete_account, hubs.delete_record),
    (_USERS, "GET", list_users, hubs.list_records),
    (_USERS, "POST", None, hubs.create_record),
    (_USER, "GET", get_user, hubs.get_record),
    (_USER, "PATCH", change_user, hubs.update_record),
    (_USER, "PUT", change_user, hubs.update_record),
    (_USER, "DELETE", delete_user, hubs.delete_record),
    (_ROLES, "GET", list_user_roles, _roles(children.list_children)),
    (_ROLES, "POST", None, _roles(children.create_child)),
    (f"{_ROLES}/<role>", "GET", None, _roles(children.get_child)),
    (f"{_ROLES}/<role>", "PATCH", None, _roles(children.update_child)),
    (f"{_ROLES}/<role>", "PUT", refuse_user_role, _roles(children.update_child)),
    (
        f"{_ROLES}/<role>",
        "DELETE",
        refuse_user_role,
        _roles(children.delete_child),
    ),
)

# Methods that would otherwise be served as calls of records.
_UNSUPPORTED = (
    (f"{_ACCOUNTS}/instances", ["POST", "PUT", "PATCH", "DELETE"]),
    (f"{_ACCOUNTS}/settings", ["PUT", "DELETE"]),
    (f"{_ACCOUNT}/instances", ["POST"]),
    (f"{_ACCOUNT}/roles", ["POST"]),
    (f"{_ACCOUNT}/roles/<role>", ["GET", "PATCH"]),
    (f"{_ACCOUNT}/users/<user_id>", ["DELETE"]),
)

ROUTES = (
    *(
        Route(
            path,
            _platform_or_records(
                path.removeprefix(f"{BASE}/").partition("/")[0], platform, records
            ),
            [method],
            f"{method} {path}",
        )
        for path, method, platform, records in _SHARED
    ),
    Route(f"{BASE}/organizations/me", get_organization),
    Route(_MEMBER, get_member),
    Route(_MEMBER, delete_member, ["DELETE"]),
    Route(f"{_ACCOUNTS}/instances", list_account_instances),
    Route(f"{_ACCOUNT}/instances", list_account_instances),
    Route(f"{_ACCOUNTS}/settings", read_settings),
    Route(f"{_ACCOUNT}/settings", read_settings),
    Route(f"{_ACCOUNTS}/settings", write_settings, ["POST", "PATCH"]),
    Route(f"{_ACCOUNT}/settings", write_settings, ["POST", "PATCH"]),
    Route(f"{_ACCOUNT}/users", list_users),
    Route(f"{_ACCOUNT}/users", create_user, ["POST"]),
    Route(f"{_ACCOUNT}/users/<user_id>", get_user),
    Route(f"{_ACCOUNT}/users/<user_id>", change_user, ["PATCH", "PUT"]),
    Route(f"{_ACCOUNT}/roles", list_roles),
    Route(f"{_ACCOUNT}/roles/<role>", refuse_role, ["PUT", "DELETE"]),
    *(
        Route(path, refuse_method, methods, f"{request_context.REFUSAL} {path}")
        for path, methods in _UNSUPPORTED
    ),
)
