"""The current request: its id, its secrets, its user and its instance.

The only place where the untyped `flask.g` and `app.extensions` are read or written.
"""

from __future__ import annotations

import contextlib
import secrets as randomness
from typing import NoReturn, cast

from flask import Flask, current_app, g, request

from bridge.errors import CallerError, NotFoundError, VerbNotSupportedError
from bridge.services.access import Secrets
from bridge.services.context import Context
from bridge.services.traces import is_traced
from bridge.store.instances import Instance
from bridge.store.organizations import User
from bridge.telemetry import current_call
from bridge.web.http.charsets import decode_labelled

_EXTENSION = "bridge"
REFUSAL = "refuse"
"""First word of the endpoints that only refuse a method; `Allow` leaves them out."""


def new_request_id() -> str:
    """Return 24 random hex digits. Source: elements-api 1.5, Elements-Request-Id."""
    return randomness.token_hex(12)


def install(app: Flask, ctx: Context) -> None:
    """Make `context()` return `ctx` in requests to `app`."""
    app.extensions[_EXTENSION] = ctx


def context() -> Context:
    """Return the context of the application."""
    return cast("Context", current_app.extensions[_EXTENSION])


def public_url() -> str:
    """Return the base URL at which callers reach us, without a slash at the end.

    It is the setting, else taken from this request. A caller can forge the latter, so
    it may be shown to that caller only, and never be stored.
    """
    configured = context().settings.public_url
    return configured or request.host_url.rstrip("/")


def request_id() -> str:
    """Return the id of this request."""
    if "request_id" not in g:
        g.request_id = new_request_id()
    return cast("str", g.request_id)


def set_caller(
    secrets: Secrets, user: User | None = None, instance: Instance | None = None
) -> None:
    """Set the secrets, user and instance of this request."""
    g.secrets, g.user, g.instance = secrets, user, instance
    # From here on, logs and traces of this request mask these values.
    current_call.conceal(
        secrets.user, secrets.organization, secrets.element, secrets.bearer
    )
    call = current_call.current()
    if call is not None and instance is not None:
        call.instance_id = instance.id
        if is_traced(context(), instance):
            call.trace = current_call.CallTrace()


def secrets() -> Secrets:
    """Return the parts of this request's `Authorization` header."""
    return cast("Secrets", g.secrets)


def user() -> User:
    """Return the user of this request.

    Raises:
        NotFoundError: the path belongs to a rule that identifies no user.
    """
    if g.get("user") is None:
        raise NotFoundError("No such path.")
    return cast("User", g.user)


def caller() -> tuple[Context, User]:
    """Return the context and the user of this request: what most use cases need.

    Raises:
        NotFoundError: as `user`.
    """
    return context(), user()


def refuse_method(method: str) -> NoReturn:
    """Refuse a method that a path of the platform does not support.

    Raises:
        VerbNotSupportedError: always.
    """
    raise VerbNotSupportedError(f"Method {method} is not supported for {request.path}.")


def instance() -> Instance:
    """Return the instance of this request's token.

    Raises:
        NotFoundError: the path belongs to a rule that opens no instance, such as
            `/accounts/7/elements`.
    """
    if g.get("instance") is None:
        raise NotFoundError("No such path.")
    return cast("Instance", g.instance)


def find_user() -> User | None:
    """Return the user of this request, or None when none is authenticated (yet)."""
    return cast("User | None", g.get("user"))


def trace_body(body: bytes, charset: str) -> None:
    """Record the body if this request is traced, as UTF-8 where it can be decoded."""
    call = current_call.current()
    if call is not None and call.trace is not None:
        with contextlib.suppress(CallerError):
            body = decode_labelled(body, charset, "").encode(errors="replace")
        call.trace.body = body


def find_instance() -> Instance | None:
    """Return the instance of this request, or None when none is opened (yet)."""
    return cast("Instance | None", g.get("instance"))
