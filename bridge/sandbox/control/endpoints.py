"""The simulator's own HTTP paths below `/sandbox`: what the vendor does not have.

JSON in and out, forms from the status page, no credentials: whoever reaches the
simulator may steer it. Web pages of other origins may not. `docs/simulator.md` lists
the paths.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, TypeAlias
from urllib.parse import parse_qs, parse_qsl, urlsplit

from bridge.sandbox.control import (
    control_requests,
    fault_queue,
    json_members,
    status_page,
)
from bridge.sandbox.control.fault_queue import FaultQueue
from bridge.sandbox.control.journal import Journal, Recording
from bridge.sandbox.control.tenants import TenantService
from bridge.sandbox.control.vendor import Vendor
from bridge.sandbox.data import contents, database, snapshots, values
from bridge.sandbox.data.database import DatabaseError
from bridge.sandbox.data.snapshots import SnapshotError
from bridge.sandbox.soap import http_responses
from bridge.sandbox.soap.http_responses import Environ, HttpResponse

PREFIX = "/sandbox"

_FORM = "application/x-www-form-urlencoded"
_NO_PATH = "There is no such path."
_ROW_PARTS = 3
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
        """Return the JSON body; ValueError when it is none."""
        return json_members.parse(self.body)


Handler: TypeAlias = "Callable[[ControlEndpoints, ControlRequest], object]"


class ControlEndpoints:
    """Answers the control paths of one simulator."""

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

    def answer(self, environ: Environ, body: bytes) -> HttpResponse:
        """Answer a request to `/` or to a path below `PREFIX`."""
        path = environ.get("PATH_INFO", "").removeprefix(PREFIX).strip("/")
        asked = ControlRequest(
            environ["REQUEST_METHOD"],
            path.split("/"),
            parse_qs(environ.get("QUERY_STRING", "")),
            body,
            environ.get("CONTENT_TYPE", "").partition(";")[0].strip() == _FORM,
        )
        try:
            if _is_foreign(environ):
                message = "Only pages of the simulator itself may do that."
                return _problem(HTTPStatus.FORBIDDEN, message)
            return self._answer(asked)
        except (ValueError, OverflowError, DatabaseError, SnapshotError) as error:
            if asked.is_form:
                return self._page(HTTPStatus.BAD_REQUEST, str(error))
            return _problem(HTTPStatus.BAD_REQUEST, str(error))
        except (sqlite3.Error, OSError) as error:
            message = f"The data file cannot be used: {error}."
        except Exception:  # noqa: BLE001 - the outermost frame: no traceback leaves it
            _LOG.exception("A control path failed inside the simulator")
            message = "That failed inside the simulator."
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, message)

    def _answer(self, asked: ControlRequest) -> HttpResponse:
        first = asked.parts[0]
        if asked.method == "GET" and first in {"", status_page.STYLE}:
            return self._page() if not first else status_page.style()
        if first == "rows" and len(asked.parts) == _ROW_PARTS:
            return self._row(asked)
        methods = self.ROUTES.get(first) if len(asked.parts) == 1 else None
        if methods is None:
            return _problem(HTTPStatus.NOT_FOUND, _NO_PATH)
        handle = methods.get(asked.method)
        if handle is None:
            allowed = ", ".join(methods)
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED, f"Allowed: {allowed}.")
        document = handle(self, asked)
        if asked.is_form:
            return HttpResponse(
                HTTPStatus.SEE_OTHER, "text/plain", b"", (("Location", PREFIX),)
            )
        return http_responses.json_response(document)

    def _page(
        self, code: HTTPStatus = HTTPStatus.OK, problem: str = ""
    ) -> HttpResponse:
        return status_page.page(self._vendor, self._journal, code, problem)

    def _show_requests(self, _asked: ControlRequest) -> object:
        return self._journal.report()

    def _forget_requests(self, _asked: ControlRequest) -> object:
        self._journal.clear()
        return self._journal.report()

    def _show_exchanges(self, _asked: ControlRequest) -> object:
        return {"exchanges": self._recording.latest()}

    def _forget_exchanges(self, asked: ControlRequest) -> object:
        self._recording.clear()
        return self._show_exchanges(asked)

    def _show_tenants(self, _asked: ControlRequest) -> object:
        return [
            {"ci": ci, "usernames": [user.username for user in service.tenant.users]}
            for ci, service in self._vendor.tenants.items()
        ]

    def _show_knobs(self, _asked: ControlRequest) -> object:
        return self._vendor.knobs.document()

    def _turn_knobs(self, asked: ControlRequest) -> object:
        given = status_page.read_knobs(_form(asked)) if asked.is_form else asked.json()
        self._vendor.knobs.set(given)
        return self._show_knobs(asked)

    def _loosen_knobs(self, asked: ControlRequest) -> object:
        self._vendor.knobs.reset()
        return self._show_knobs(asked)

    def _show_clock(self, _asked: ControlRequest) -> object:
        clock = self._vendor.clock
        return {"now": clock.now().isoformat(), "frozen": clock.is_frozen}

    def _set_clock(self, asked: ControlRequest) -> object:
        given = status_page.read_clock(_form(asked)) if asked.is_form else asked.json()
        order = control_requests.read_clock(given)
        self._vendor.clock.set(at=order.at, by=order.by, frozen=order.frozen)
        return self._show_clock(asked)

    def _reset_clock(self, asked: ControlRequest) -> object:
        self._vendor.clock.reset()
        return self._show_clock(asked)

    def _show_faults(self, _asked: ControlRequest) -> object:
        return {"waiting": self._faults.waiting()}

    def _queue_fault(self, asked: ControlRequest) -> object:
        self._faults.add(fault_queue.read_fault(asked.json()))
        return self._show_faults(asked)

    def _drop_faults(self, asked: ControlRequest) -> object:
        self._faults.clear()
        return self._show_faults(asked)

    def _show_zones(self, _asked: ControlRequest) -> object:
        return {"zones": self._vendor.zones.report()}

    def _move(self, asked: ControlRequest) -> object:
        username, zone = control_requests.read_move(asked.json())
        if self._vendor.find_user(username) is None:
            raise ValueError("username: there is no such user.")
        self._vendor.zones.move(username, zone)
        return self._show_zones(asked)

    def _reset(self, _asked: ControlRequest) -> object:
        self._vendor.reset()
        self._faults.clear()
        return {"reset": self._vendor.dataset.name}

    def _seed(self, asked: ControlRequest) -> object:
        order = control_requests.read_seed(asked.json())
        service = self._service(order.tenant)
        ids = contents.add(self._vendor.database, service.schema, order.rows)
        self._vendor.refresh()
        return {"ids": ids}

    def _show_snapshots(self, _asked: ControlRequest) -> object:
        return {"snapshots": snapshots.names(self._vendor.database)}

    def _snapshot(self, asked: ControlRequest) -> object:
        snapshots.take(self._vendor.database, control_requests.read_name(asked.json()))
        return self._show_snapshots(asked)

    def _restore(self, asked: ControlRequest) -> object:
        name = control_requests.read_name(asked.json())
        snapshots.restore(self._vendor.database, name)
        self._vendor.refresh()
        return {"restored": name}

    def _show_usage(self, _asked: ControlRequest) -> object:
        return {
            ci: service.usage.used() for ci, service in self._vendor.tenants.items()
        }

    def _use(self, asked: ControlRequest) -> object:
        """Count calls that nobody made, as if they had just come."""
        order = control_requests.read_usage(asked.json())
        self._service(order.tenant).usage.count(order.calls)
        return self._show_usage(asked)

    def _forget_usage(self, asked: ControlRequest) -> object:
        """Count all tenants' calls anew, as if an hour had passed."""
        for service in self._vendor.tenants.values():
            service.usage.reset()
        return self._show_usage(asked)

    def _row(self, asked: ControlRequest) -> HttpResponse:
        """Return a stored fragment; `tenant` may be left out for the first tenant."""
        _, entity, record_id = asked.parts
        given = asked.query.get("tenant", [])
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

    def _service(self, ci: int | None) -> TenantService:
        service = self._vendor.tenants.get(self._first_tenant() if ci is None else ci)
        if service is None:
            raise ValueError("tenant: there is no such tenant.")
        return service

    ROUTES: ClassVar[Mapping[str, Mapping[str, Handler]]] = {
        "requests": {"GET": _show_requests, "DELETE": _forget_requests},
        "exchanges": {"GET": _show_exchanges, "DELETE": _forget_exchanges},
        "tenants": {"GET": _show_tenants},
        "knobs": {"GET": _show_knobs, "POST": _turn_knobs, "DELETE": _loosen_knobs},
        "clock": {"GET": _show_clock, "POST": _set_clock, "DELETE": _reset_clock},
        "faults": {"GET": _show_faults, "POST": _queue_fault, "DELETE": _drop_faults},
        "zones": {"GET": _show_zones, "POST": _move},
        "usage": {"GET": _show_usage, "POST": _use, "DELETE": _forget_usage},
        "reset": {"POST": _reset},
        "seed": {"POST": _seed},
        "snapshot": {"GET": _show_snapshots, "POST": _snapshot},
        "restore": {"POST": _restore},
    }
    """The paths of one part below the prefix, and what answers each method."""


def _form(asked: ControlRequest) -> dict[str, str]:
    return dict(
        parse_qsl(asked.body.decode("ascii", "replace"), keep_blank_values=True)
    )


def _is_foreign(environ: Environ) -> bool:
    """Tell whether a web page of another origin makes the browser ask."""
    origin = environ.get("HTTP_ORIGIN")
    return origin is not None and urlsplit(origin).netloc != environ.get("HTTP_HOST")


def _problem(code: HTTPStatus, message: str) -> HttpResponse:
    return http_responses.json_response({"message": message}, code)
