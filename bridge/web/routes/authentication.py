"""Login with a password, to read the two secrets. Source: elements-api 1.4."""

from __future__ import annotations

from flask import Response

from bridge.errors import InvalidRequestError
from bridge.services import access
from bridge.services.organizations import users
from bridge.types import JSON
from bridge.web.http import bodies, request_context, responses
from bridge.web.http.route_auth import BASE
from bridge.web.http.routing import Route

_LOGIN = f"{BASE}/authentication"


def log_in() -> Response:
    """Return the user with a bearer token."""
    body = bodies.current_object()
    return responses.json_object(
        access.log_in(
            request_context.context(), _text(body, "username"), _text(body, "password")
        )
    )


def read_secrets() -> Response:
    """Return the secrets of the bearer token's user."""
    return responses.json_object(
        access.read_secrets(request_context.context(), request_context.secrets().bearer)
    )


def change_password() -> Response:
    """Change the password of the authenticated user; their sessions end."""
    ctx = request_context.context()
    # Paths below `/authentication` are anonymous, so no hook has identified the user.
    user = access.identify(ctx, request_context.secrets())
    users.change_password(ctx, user, bodies.current_object())
    return responses.empty()


def _text(body: dict[str, JSON], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidRequestError(f"{name} is required and must be a text.")
    return value


ROUTES = (
    Route(_LOGIN, log_in, ["POST"]),
    Route(f"{_LOGIN}/secrets", read_secrets),
    Route(f"{_LOGIN}/passwords", change_password, ["POST"]),
)
