"""Login as the set-up tools of the old console do it: a form, a cookie, the secrets.

Source: elements-api 1.4, and appendix E for the page with the form.
"""

from __future__ import annotations

from flask import Response, request

from bridge.services import access
from bridge.web.http import pages, request_context, responses
from bridge.web.http.forms import current_form
from bridge.web.http.routing import Route

_COOKIE = "JSESSIONID"
_ROOT = "/elements"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    **pages.PAGE_HEADERS,
    "X-Frame-Options": "DENY",
}


def show_form() -> Response:
    """Return the page with the form, which no other site can frame."""
    return pages.page_response("login.html", _HEADERS)


def log_in_by_form() -> Response:
    """Set a session cookie for `j_username` and `j_password`; no body."""
    form = current_form()
    username, password = form.get("j_username", ""), form.get("j_password", "")
    user = access.log_in(request_context.context(), username, password)
    response = responses.empty()
    # Over plain HTTP, browsers would drop a cookie that is marked as secure.
    response.set_cookie(
        _COOKIE,
        str(user["token"]),
        path=_ROOT,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


def show_secrets() -> Response:
    """Return the secrets of the session's user."""
    ctx = request_context.context()
    secrets = access.read_secrets(ctx, request.cookies.get(_COOKIE))
    return responses.json_object(
        {"user": secrets["userSecret"], "company": secrets["organizationSecret"]}
    )


ROUTES = (
    Route(f"{_ROOT}/jsp/login.jsp", show_form),
    Route(f"{_ROOT}/j_spring_security_check", log_in_by_form, ["POST"]),
    Route(f"{_ROOT}/api-v1/ui/getSecrets", show_secrets),
)
