"""Logging in with a password, to read the two secrets. Source: elements-api 1.4."""

from __future__ import annotations

from flask import Flask, Response

from bridge.errors import InvalidRequestError
from bridge.services import access
from bridge.services.organizations import users
from bridge.types import JSON
from bridge.web.http import bodies, request_context, responses
from bridge.web.http.route_auth import BASE


def register(app: Flask) -> None:
    """Add the routes; neither needs User and Organization."""
    path = f"{BASE}/authentication"
    app.add_url_rule(path, view_func=log_in, methods=["POST"])
    app.add_url_rule(f"{path}/secrets", view_func=read_secrets, methods=["GET"])
    app.add_url_rule(f"{path}/passwords", view_func=change_password, methods=["POST"])


def log_in() -> Response:
    """Answer the user with a bearer token."""
    body = bodies.current_object()
    return responses.json_object(
        access.log_in(
            request_context.context(), _text(body, "username"), _text(body, "password")
        )
    )


def read_secrets() -> Response:
    """Answer the secrets of the user behind the bearer token."""
    return responses.json_object(
        access.read_secrets(request_context.context(), request_context.secrets().bearer)
    )


def change_password() -> Response:
    """Change the password of the user behind the secrets; his sessions end."""
    ctx = request_context.context()
    user = access.identify(ctx, request_context.secrets())
    users.change_password(ctx, user, bodies.current_object())
    return responses.empty()


def _text(body: dict[str, JSON], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidRequestError(f"{name} is required and must be a text.")
    return value
