"""The HTTP facade: requests in, responses out, no decisions of its own.

`register` below lists the middleware, the hooks and the route modules; its comments say
in which order a request passes them. `errors.error_response` handles every exception.
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
from bridge.web.http.paths import PathMiddleware
from bridge.web.http.proxy_headers import ProxyHeadersMiddleware
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

_ROUTES = (
    health,
    landing,
    authentication,
    legacy_login,
    instances,
    elements,
    extended_resources,
    extended_components,
    objects,
    docs,
    tracing,
    vendor_usage,
    usage,
    organizations,
    hubs,
    attachments,
    children,
)


def register(app: Flask, ctx: Context) -> None:
    """Add the middleware, the hooks, the error handler and all routes to `app`."""
    request_context.install(app, ctx)
    # werkzeug rejects a body of exactly this length, hence one byte more.
    app.config["MAX_CONTENT_LENGTH"] = ctx.settings.http_max_body_bytes + 1
    # A redirect to the path without a slash would lose the body: old clients follow it
    # with GET.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    # The last wrapper runs first: the caller's address, then the path, then the method
    # override, which needs a normalised path.
    paths = PathMiddleware(method_override.MethodOverrideMiddleware(app.wsgi_app))
    app.wsgi_app = ProxyHeadersMiddleware(paths, ctx.settings.trusted_proxies)  # type: ignore[method-assign]
    # `before_request` hooks run in this order, after the preprocessor of path values;
    # `after_request` hooks in reverse. A preflight carries no credentials, so it is
    # handled before authentication.
    app.url_value_preprocessor(hubs.forget_hub)
    app.before_request(access_log.begin)
    app.before_request(bodies.limit_size)
    app.before_request(cors.preflight)
    app.before_request(auth.authenticate)
    app.before_request(method_override.refuse_unknown_override)
    app.before_request(extended_resources.call_extended_resource)
    app.after_request(access_log.finish)
    app.after_request(responses.finish)
    app.after_request(cors.finish)
    app.register_error_handler(Exception, errors.error_response)
    app.url_map.converters.update(
        element=elements.ElementKey,
        instance=instances.InstanceId,
        object=hubs.ObjectName,
    )
    for module in _ROUTES:
        for route in module.ROUTES:
            app.add_url_rule(
                route.path,
                endpoint=route.endpoint,
                view_func=route.view,
                methods=route.methods,
                defaults=route.defaults,
            )
