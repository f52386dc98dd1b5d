"""The status page: records, latest requests, knobs and clock.

Plain HTML with forms; works without scripts. The forms are read here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from bridge.sandbox.control.journal import Journal
from bridge.sandbox.control.knobs import DECLARED, Knobs
from bridge.sandbox.control.tenants import TenantService
from bridge.sandbox.control.vendor import Vendor
from bridge.sandbox.data import database
from bridge.sandbox.soap.http_responses import HttpResponse

STYLE = "status.css"  # its path below the control prefix

_PAGES = files("bridge.sandbox.control") / "pages"
_MAX_SHOWN = 20
_METER_LEVELS = (0.5, 0.75)  # where calls slow down, see `limits`
_SECURITY_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'self'"),
    ("X-Frame-Options", "DENY"),
    ("Cache-Control", "no-store"),
)


def page(
    vendor: Vendor,
    journal: Journal,
    code: HTTPStatus = HTTPStatus.OK,
    problem: str = "",
) -> HttpResponse:
    """Return the page; `problem` says why a form was not accepted."""
    html = _template().render(
        dataset=vendor.dataset.name,
        tenants=[_tenant(vendor, service) for service in vendor.tenants.values()],
        requests=journal.latest(_MAX_SHOWN),
        knobs=_knobs(vendor.knobs.current),
        now=vendor.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC"),
        frozen=vendor.clock.is_frozen,
        problem=problem,
    )
    body = html.encode()
    return HttpResponse(code, "text/html; charset=utf-8", body, _SECURITY_HEADERS)


def style() -> HttpResponse:
    """Return the style sheet."""
    body = (_PAGES / STYLE).read_bytes()
    return HttpResponse(HTTPStatus.OK, "text/css; charset=utf-8", body)


def read_knobs(form: Mapping[str, str]) -> dict[str, object]:
    """Return the knobs of the page's form; its `defaults` button resets all.

    Raises:
        ValueError: a text is not a number.
    """
    document: dict[str, object] = {}
    for name, knob in DECLARED.items():
        if "defaults" in form:
            document[name] = knob.default
        elif "maximum" not in knob.metadata:
            document[name] = name in form
        elif name in form:
            document[name] = _number(name, form[name])
    return document


def read_clock(form: Mapping[str, str]) -> dict[str, object]:
    """Return what the buttons of the clock set, as the JSON endpoint takes it.

    Raises:
        ValueError: the number of seconds is not a number.
    """
    document: dict[str, object] = {}
    if "advance_s" in form:
        document["advance_s"] = _number("advance_s", form["advance_s"])
    if "frozen" in form:
        document["frozen"] = form["frozen"] == "true"
    return document


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number.") from None


def _tenant(vendor: Vendor, service: TenantService) -> dict[str, object]:
    used, allowed = service.usage.used(), vendor.limits.calls_per_hour
    low, high = (allowed * share for share in _METER_LEVELS)
    return {
        "ci": service.tenant.ci,
        "usernames": [user.username for user in service.tenant.users],
        "used": used,
        "allowed": allowed,
        "low": low,
        "high": high,
        "counts": database.counts(vendor.database.reading(), service.schema),
    }


def _knobs(current: Knobs) -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "value": getattr(current, name),
            "changed": getattr(current, name) != knob.default,
            "maximum": knob.metadata.get("maximum"),
            "says": knob.metadata["says"],
        }
        for name, knob in DECLARED.items()
    ]


@cache
def _template() -> Template:
    text = (_PAGES / "status.html").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)
