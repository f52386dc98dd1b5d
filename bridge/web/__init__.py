"""HTTP in, HTTP out; no decisions.

A call passes `ForwardedCallers`, `NormalisedPaths`, `OverriddenMethods`,
`journal.begin`, `bodies.limit`, `cors.preflight`, `auth.admit`,
`methods.refuse_unknown_override`, its view, `cors.finish`, `responses.finish` and
`journal.finish`; whatever goes wrong on the way is answered by `errors.answer`.
"""

from __future__ import annotations

from flask import Flask

from bridge.services.context import Context
from bridge.web.http import (
    access_log,
    auth,
    bodies,
    cors,
    errors,
    method_override,
    request_context,
    responses,
)
from bridge.web.http.paths import NormalisedPaths
from bridge.web.http.proxy_headers import ForwardedCallers
from bridge.web.routes import (
    attachments,
    authentication,
    children,
    docs,
    elements,
    extended_components,
    extended_resources,
    health,
    hubs,
    instances,
    landing,
    legacy_login,
    objects,
    organizations,
    tracing,
    usage,
    vendor_usage,
)


def register(app: Flask, ctx: Context) -> None:
    """Give an application every route, its error handler and its limits."""
    request_context.install(app, ctx)
    # Reading up to the limit itself counts as too much, hence one byte of room.
    app.config["MAX_CONTENT_LENGTH"] = ctx.settings.http_max_body_bytes + 1
    # Flask's own redirects and method answers would come before our 401.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    paths = NormalisedPaths(method_override.OverriddenMethods(app.wsgi_app))
    app.wsgi_app = ForwardedCallers(paths, ctx.settings.trusted_proxies)  # type: ignore[method-assign]
    access_log.register(app)
    app.before_request(bodies.limit)
    app.before_request(cors.preflight)
    app.before_request(auth.admit)
    app.before_request(method_override.refuse_unknown_override)
    app.after_request(responses.finish)
    app.after_request(cors.finish)
    errors.register(app)
    health.register(app)
    landing.register(app)
    authentication.register(app)
    legacy_login.register(app)
    instances.register(app)
    elements.register(app)
    extended_resources.register(app)
    extended_components.register(app)
    objects.register(app)
    docs.register(app)
    tracing.register(app)
    vendor_usage.register(app)
    usage.register(app)
    organizations.register(app)
    hubs.register(app)
    attachments.register(app)
    children.register(app)
