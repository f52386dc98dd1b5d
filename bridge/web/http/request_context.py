"""What belongs to the call being answered: its id, its secrets, who sent it.

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
_FILES = "bridge files"
REFUSAL = "refuse"
"""First word of the endpoints that exist to refuse a verb, which no `Allow` names."""


def new_request_id() -> str:
    """Return 24 random hex digits. Source: elements-api 1.5, Elements-Request-Id."""
    return randomness.token_hex(12)


def install(app: Flask, ctx: Context) -> None:
    """Make `ctx` what `context()` returns in calls to `app`."""
    app.extensions[_EXTENSION] = ctx


def context() -> Context:
    """Return the context the application was made with."""
    return cast("Context", current_app.extensions[_EXTENSION])


def serve_files(app: Flask, *endpoints: str) -> None:
    """Note that views of `app` answer files, of whatever media type those have."""
    app.extensions.setdefault(_FILES, set()).update(endpoints)


def answers_files() -> bool:
    """Tell whether the view of this call answers a file, so that any `Accept` will do.

    Source: RFC 9110, 12.5.1: what is there may be sent although nobody asked for it.
    """
    return request.endpoint in current_app.extensions.get(_FILES, ())


def public_url() -> str:
    """Return where callers reach us, without a slash at the end.

    As the operator says, else as this call says, through a trusted proxy or not.
    Whatever is built from a call that says so itself may be shown to that caller, and
    kept nowhere.
    """
    configured = context().settings.public_url
    return configured or request.host_url.rstrip("/")


def request_id() -> str:
    """Return the id of this call, the same one however often it is asked for."""
    if "request_id" not in g:
        g.request_id = new_request_id()
    return cast("str", g.request_id)


def admit(
    secrets: Secrets, user: User | None = None, instance: Instance | None = None
) -> None:
    """Remember what was found behind the `Authorization` header of this call."""
    g.secrets, g.user, g.instance = secrets, user, instance
    current_call.conceal(
        secrets.user, secrets.organization, secrets.element, secrets.bearer
    )
    noted = current_call.current()
    if noted is not None and instance is not None:
        noted.instance_id = instance.id
        if is_traced(context(), instance):
            noted.trace = current_call.CallTrace()


def secrets() -> Secrets:
    """Return the parts of this call's `Authorization` header."""
    return cast("Secrets", g.secrets)


def user() -> User:
    """Return who sent this call.

    Raises:
        NotFoundError: nobody was asked for; no such path in this family.
    """
    if g.get("user") is None:
        raise NotFoundError("No such path.")
    return cast("User", g.user)


def refuse_method(method: str) -> NoReturn:
    """Refuse a verb that a path of the platform lacks.

    Raises:
        VerbNotSupportedError: always.
    """
    raise VerbNotSupportedError(f"Method {method} is not supported for {request.path}.")


def instance() -> Instance:
    """Return the instance that the token of this call opened.

    Raises:
        NotFoundError: the path belongs to a family of calls that opens none, such as
            `/accounts/7/elements`.
    """
    if g.get("instance") is None:
        raise NotFoundError("No such path.")
    return cast("Instance", g.instance)


def caller() -> User | None:
    """Return who sent this call, or None when nobody was recognised (yet)."""
    return cast("User | None", g.get("user"))


def keep_body(body: bytes, charset: str) -> None:
    """Keep the body of this call if it is traced, as UTF-8 where it can be read."""
    noted = current_call.current()
    if noted is not None and noted.trace is not None:
        with contextlib.suppress(CallerError):
            body = decode_labelled(body, charset, "").encode(errors="replace")
        noted.trace.body = body


def opened() -> Instance | None:
    """Return the instance of this call, or None when none was opened (yet)."""
    return cast("Instance | None", g.get("instance"))
