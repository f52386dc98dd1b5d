"""The HTTP endpoints below `/sandbox` that steer a simulator, and its status page.

They take and return JSON, and forms from the status page. There is no login: everything
that reaches the simulator can steer it, except web pages of other origins.
`docs/simulator.md` lists the paths.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import ClassVar, TypeAlias
from urllib.parse import parse_qs, parse_qsl, urlsplit

from bridge.sandbox.control import fault_queue, json_members, status_page
from bridge.sandbox.control.fault_queue import FaultQueue
from bridge.sandbox.control.journal import Journal, Recording
from bridge.sandbox.control.json_members import Members
from bridge.sandbox.control.tenants import TenantService
from bridge.sandbox.control.vendor import Vendor
from bridge.sandbox.data import database, rows, snapshots, values
from bridge.sandbox.data.database import DatabaseError
from bridge.sandbox.soap import http_responses
from bridge.sandbox.soap.http_responses import Environ, HttpResponse

PREFIX = "/sandbox"

_FORM = "application/x-www-form-urlencoded"
_ROW_PARTS = 3
_MAX_CALLS = 1_000_000_000
_MAX_ZONE = 999
_MAX_ADVANCE_S = 1e12  # a timedelta can hold it; the clock accepts less
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """A request to a control path: the path below the prefix, query and body."""

    method: str
    parts: list[str]
    query: Mapping[str, list[str]]
    body: bytes
    is_form: bool

    def json(self) -> object:
        """Return the JSON body. Raises ValueError when it is not valid JSON."""
        return json_members.parse(self.body)

    def name(self) -> str:
        """Return the name in a JSON body."""
        given = json_members.members(self.json(), ("name",))
        return json_members.text(given, "name")

    def document(self, read_form: Callable[[Mapping[str, str]], object]) -> object:
        """Return the JSON body, or what a function makes of the fields of a form."""
        if not self.is_form:
            return self.json()
        text = self.body.decode("ascii", "replace")
        return read_form(dict(parse_qsl(text, keep_blank_values=True)))


Handler: TypeAlias = "Callable[[ControlEndpoints, ControlRequest], object]"


class ControlEndpoints:
    """The control endpoints of one simulator."""

    def __init__(
        self,
        vendor: Vendor,
        journal: Journal,
        recording: Recording,
        faults: FaultQueue,
    ) -> None:
        self._vendor = vendor
        self._journal = journal
        self._recording = recording
        self._faults = faults

    def respond(self, environ: Environ, body: bytes) -> HttpResponse:
        """Return the response to a request for `/` or a path below `PREFIX`."""
        path = environ.get("PATH_INFO", "").removeprefix(PREFIX).strip("/")
        request = ControlRequest(
            environ["REQUEST_METHOD"],
            path.split("/"),
            parse_qs(environ.get("QUERY_STRING", "")),
            body,
            environ.get("CONTENT_TYPE", "").partition(";")[0].strip() == _FORM,
        )
        try:
            if _is_cross_origin(environ):
                message = "Only pages of the simulator itself may do that."
                return _problem(HTTPStatus.FORBIDDEN, message)
            return self._respond(request)
        except (ValueError, OverflowError, DatabaseError) as error:
            if request.is_form:
                return self._page(HTTPStatus.BAD_REQUEST, str(error))
            return _problem(HTTPStatus.BAD_REQUEST, str(error))
        except (sqlite3.Error, OSError) as error:
            message = f"The data file cannot be used: {error}."
        except Exception:  # noqa: BLE001 - the outermost frame: no traceback leaves it
            _LOG.exception("A control path failed inside the simulator")
            message = "That failed inside the simulator."
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, message)

    def _respond(self, request: ControlRequest) -> HttpResponse:
        first = request.parts[0]
        if request.method == "GET" and first in {"", status_page.STYLE}:
            return status_page.style() if first else self._page()
        if first == "rows" and len(request.parts) == _ROW_PARTS:
            return self._row(request)
        methods = self.ROUTES.get(first) if len(request.parts) == 1 else None
        if methods is None:
            return _problem(HTTPStatus.NOT_FOUND, "There is no such path.")
        handle = methods.get(request.method)
        if handle is None:
            allowed = ", ".join(methods)
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED, f"Allowed: {allowed}.")
        document = handle(self, request)
        if request.is_form:
            return HttpResponse(
                HTTPStatus.SEE_OTHER, "text/plain", b"", (("Location", PREFIX),)
            )
        if document is None:  # a change: return what a GET returns now
            document = methods["GET"](self, request)
        return http_responses.json_response(document)

    def _page(
        self, code: HTTPStatus = HTTPStatus.OK, problem: str = ""
    ) -> HttpResponse:
        return status_page.page(self._vendor, self._journal, code, problem)

    def _show_tenants(self, _request: ControlRequest) -> object:
        return [
            {"ci": ci, "usernames": [user.username for user in service.tenant.users]}
            for ci, service in self._vendor.tenants.items()
        ]

    def _set_knobs(self, request: ControlRequest) -> None:
        self._vendor.knobs.set(request.document(status_page.read_knobs))

    def _show_clock(self, _request: ControlRequest) -> object:
        clock = self._vendor.clock
        return {"now": clock.now().isoformat(), "frozen": clock.is_frozen}

    def _set_clock(self, request: ControlRequest) -> None:
        document = request.document(status_page.read_clock)
        given = json_members.members(document, ("at", "advance_s", "frozen"))
        by_s = json_members.number(given, "advance_s", -_MAX_ADVANCE_S, _MAX_ADVANCE_S)
        frozen = given.get("frozen")
        if frozen is not None:
            frozen = json_members.switch(given, "frozen", default=False)
        moment = _moment(given.get("at"))
        self._vendor.clock.set(at=moment, by=timedelta(seconds=by_s), frozen=frozen)

    def _move(self, request: ControlRequest) -> None:
        given = json_members.members(request.json(), ("username", "zone"))
        username, zone = json_members.text(given, "username"), given.get("zone")
        if zone is not None:
            zone = json_members.whole(given, "zone", 1, _MAX_ZONE)
        if self._vendor.find_user(username) is None:
            raise ValueError("username: there is no such user.")
        self._vendor.zones.move(username, zone)

    def _reset(self, _request: ControlRequest) -> object:
        self._vendor.reset()
        self._faults.clear()
        return {"reset": self._vendor.dataset.name}

    def _seed(self, request: ControlRequest) -> object:
        given = json_members.members(request.json(), ("tenant", "rows"))
        found = given.get("rows")
        if not isinstance(found, Mapping):
            raise ValueError("rows must be an object.")  # noqa: TRY004 - one kind for all
        for entity, some in found.items():
            are_rows = isinstance(some, list) and all(
                isinstance(o, Mapping) for o in some
            )
            if not are_rows:
                raise ValueError(f"rows: {entity} must be a list of objects.")
        ids = rows.add(self._vendor.database, self._service(given).schema, found)
        self._vendor.refresh()
        return {"ids": ids}

    def _snapshot(self, request: ControlRequest) -> None:
        snapshots.take(self._vendor.database, request.name())

    def _restore(self, request: ControlRequest) -> object:
        name = request.name()
        snapshots.restore(self._vendor.database, name)
        self._vendor.refresh()
        return {"restored": name}

    def _show_usage(self, _request: ControlRequest) -> object:
        tenants = self._vendor.tenants
        return {ci: service.usage.used() for ci, service in tenants.items()}

    def _add_usage(self, request: ControlRequest) -> None:
        given = json_members.members(request.json(), ("tenant", "calls"))
        service = self._service(given)
        service.usage.count(json_members.whole(given, "calls", 0, _MAX_CALLS))

    def _reset_usage(self, _request: ControlRequest) -> None:
        for service in self._vendor.tenants.values():
            service.usage.reset()

    def _row(self, request: ControlRequest) -> HttpResponse:
        """Return a stored fragment, of the first tenant unless `tenant` is given."""
        _, entity, record_id = request.parts
        given = request.query.get("tenant", [])
        try:
            ci = int(given[0]) if given else self._first_tenant()
            number = int(values.LONG.read(record_id))
        except ValueError:
            return _problem(HTTPStatus.BAD_REQUEST, "tenant and id are numbers.")
        service = self._vendor.tenants.get(ci)
        table = service.schema.find(entity) if service else None
        if table is None:
            return _problem(HTTPStatus.NOT_FOUND, "No such tenant or entity.")
        xml = database.fragment(self._vendor.database.reading(), table, number)
        if xml is None:
            return _problem(HTTPStatus.NOT_FOUND, "No such record.")
        return HttpResponse(HTTPStatus.OK, "text/xml; charset=utf-8", xml)

    def _first_tenant(self) -> int:
        return next(iter(self._vendor.tenants))

    def _service(self, given: Members) -> TenantService:
        """Return the tenant that a body names, the first one if none is named."""
        ci = self._first_tenant()
        if given.get("tenant") is not None:
            ci = json_members.whole(given, "tenant", 0, 2**63)
        service = self._vendor.tenants.get(ci)
        if service is None:
            raise ValueError("tenant: there is no such tenant.")
        return service

    # By path below the prefix and method. A handler that returns None has changed
    # something, and the response is that of GET.
    ROUTES: ClassVar[Mapping[str, Mapping[str, Handler]]] = {
        "requests": {
            "GET": lambda self, _: self._journal.report(),
            "DELETE": lambda self, _: self._journal.clear(),
        },
        "exchanges": {
            "GET": lambda self, _: {"exchanges": self._recording.latest()},
            "DELETE": lambda self, _: self._recording.clear(),
        },
        "tenants": {"GET": _show_tenants},
        "knobs": {
            "GET": lambda self, _: asdict(self._vendor.knobs.current),
            "POST": _set_knobs,
            "DELETE": lambda self, _: self._vendor.knobs.reset(),
        },
        "clock": {
            "GET": _show_clock,
            "POST": _set_clock,
            "DELETE": lambda self, _: self._vendor.clock.reset(),
        },
        "faults": {
            "GET": lambda self, _: {"waiting": self._faults.waiting()},
            "POST": lambda self, request: self._faults.add(
                fault_queue.read_fault(request.json())
            ),
            "DELETE": lambda self, _: self._faults.clear(),
        },
        "zones": {
            "GET": lambda self, _: {"zones": self._vendor.zones.report()},
            "POST": _move,
        },
        "usage": {"GET": _show_usage, "POST": _add_usage, "DELETE": _reset_usage},
        "reset": {"POST": _reset},
        "seed": {"POST": _seed},
        "snapshot": {
            "GET": lambda self, _: {
                "snapshots": snapshots.names(self._vendor.database)
            },
            "POST": _snapshot,
        },
        "restore": {"POST": _restore},
    }


def _moment(at: object) -> datetime | None:
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at if isinstance(at, str) else "")
    except ValueError:
        raise ValueError("at must be a time like 2021-07-01T12:00:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_cross_origin(environ: Environ) -> bool:
    """Return whether a browser sends the request for a page of another origin."""
    origin = environ.get("HTTP_ORIGIN")
    return origin is not None and urlsplit(origin).netloc != environ.get("HTTP_HOST")


def _problem(code: HTTPStatus, message: str) -> HttpResponse:
    return http_responses.json_response({"message": message}, code)
