"""The simulator's own HTTP paths below `/sandbox`: what the vendor does not have.

JSON in and out, forms from the status page, no credentials: whoever reaches the
simulator may steer it. Web pages of other origins may not. `docs/simulator.md` lists
the paths.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar, TypeAlias
from urllib.parse import parse_qs, parse_qsl, urlsplit

from bridge.sandbox import (
    answers,
    contents,
    database,
    faults,
    snapshots,
    status,
    values,
)
from bridge.sandbox.answers import Answer, Environ
from bridge.sandbox.database import DatabaseError
from bridge.sandbox.faults import FaultQueue
from bridge.sandbox.journal import Journal, Recording
from bridge.sandbox.snapshots import SnapshotError
from bridge.sandbox.vendor import Vendor

PREFIX = "/sandbox"

_FORM = "application/x-www-form-urlencoded"
_NO_PATH = "There is no such path."
_ROW_PARTS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to a control path: the path below the prefix, query and body."""

    method: str
    parts: list[str]
    query: Mapping[str, list[str]]
    body: bytes
    is_form: bool

    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        """Return the JSON body; ValueError when it is none."""
        return json.loads(self.body)

    def name(self) -> str:
        """Return the member `name` of the body; ValueError when there is none."""
        return str(_object(self.json()).get("name", ""))


Handler: TypeAlias = "Callable[[Control, Asked], object]"


class Control:
    """Answers the control paths of one simulator."""

    def __init__(
        self,
        vendor: Vendor,
        journal: Journal,
        recording: Recording,
        fault_queue: FaultQueue,
    ) -> None:
        self._vendor = vendor
        self._journal = journal
        self._recording = recording
        self._faults = fault_queue

    def answer(self, environ: Environ, body: bytes) -> Answer:
        """Answer a request to `/` or to a path below `PREFIX`."""
        if _is_foreign(environ):
            message = "Only pages of the simulator itself may do that."
            return _problem(HTTPStatus.FORBIDDEN, message)
        path = environ.get("PATH_INFO", "").removeprefix(PREFIX).strip("/")
        asked = Asked(
            environ["REQUEST_METHOD"],
            path.split("/"),
            parse_qs(environ.get("QUERY_STRING", "")),
            body,
            environ.get("CONTENT_TYPE", "").partition(";")[0].strip() == _FORM,
        )
        try:
            return self._answer(asked)
        except (ValueError, OverflowError, DatabaseError, SnapshotError) as error:
            if asked.is_form:
                return self._page(HTTPStatus.BAD_REQUEST, str(error))
            return _problem(HTTPStatus.BAD_REQUEST, str(error))

    def _answer(self, asked: Asked) -> Answer:
        first = asked.parts[0]
        if asked.method == "GET" and first in {"", status.STYLE}:
            return self._page() if not first else status.style()
        if first == "rows" and len(asked.parts) == _ROW_PARTS:
            return self._row(asked)
        methods = self._routes.get(first) if len(asked.parts) == 1 else None
        if methods is None:
            return _problem(HTTPStatus.NOT_FOUND, _NO_PATH)
        handle = methods.get(asked.method)
        if handle is None:
            allowed = ", ".join(methods)
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED, f"Allowed: {allowed}.")
        document = handle(self, asked)
        if asked.is_form:
            return Answer(
                HTTPStatus.SEE_OTHER, "text/plain", b"", (("Location", PREFIX),)
            )
        return answers.document(document)

    def _page(self, code: HTTPStatus = HTTPStatus.OK, problem: str = "") -> Answer:
        return status.page(self._vendor, self._journal, code, problem)

    def _show_requests(self, _asked: Asked) -> object:
        return self._journal.report()

    def _forget_requests(self, _asked: Asked) -> object:
        self._journal.clear()
        return self._journal.report()

    def _show_exchanges(self, _asked: Asked) -> object:
        return {"exchanges": self._recording.latest()}

    def _forget_exchanges(self, asked: Asked) -> object:
        self._recording.clear()
        return self._show_exchanges(asked)

    def _show_tenants(self, _asked: Asked) -> object:
        return [
            {"ci": ci, "usernames": [user.username for user in service.tenant.users]}
            for ci, service in self._vendor.tenants.items()
        ]

    def _show_knobs(self, _asked: Asked) -> object:
        return self._vendor.knobs.document()

    def _turn_knobs(self, asked: Asked) -> object:
        given = status.read_knobs(_form(asked)) if asked.is_form else asked.json()
        self._vendor.knobs.turn(given)
        return self._show_knobs(asked)

    def _loosen_knobs(self, asked: Asked) -> object:
        self._vendor.knobs.reset()
        return self._show_knobs(asked)

    def _show_clock(self, _asked: Asked) -> object:
        clock = self._vendor.clock
        return {"now": clock.now().isoformat(), "frozen": clock.is_frozen}

    def _set_clock(self, asked: Asked) -> object:
        given = status.read_clock(_form(asked)) if asked.is_form else asked.json()
        moment, by, frozen = _read_clock(given)
        clock = self._vendor.clock
        if frozen:
            clock.freeze()
        if moment is not None:
            clock.set(moment)
        clock.advance(by)
        if frozen is False:
            clock.go_on()
        return self._show_clock(asked)

    def _reset_clock(self, asked: Asked) -> object:
        self._vendor.clock.reset()
        return self._show_clock(asked)

    def _show_faults(self, _asked: Asked) -> object:
        return {"waiting": self._faults.waiting()}

    def _queue_fault(self, asked: Asked) -> object:
        self._faults.add(faults.read_fault(asked.json()))
        return self._show_faults(asked)

    def _drop_faults(self, asked: Asked) -> object:
        self._faults.clear()
        return self._show_faults(asked)

    def _show_zones(self, _asked: Asked) -> object:
        return {"zones": self._vendor.zones.report()}

    def _move(self, asked: Asked) -> object:
        username, zone = _read_move(_object(asked.json()))
        if self._vendor.find_user(username) is None:
            raise ValueError("There is no such user.")
        self._vendor.zones.move(username, zone)
        return self._show_zones(asked)

    def _reset(self, _asked: Asked) -> object:
        self._vendor.reset()
        self._faults.clear()
        return {"reset": self._vendor.dataset.name}

    def _seed(self, asked: Asked) -> object:
        document = _object(asked.json())
        service = self._vendor.tenants.get(document.get("tenant", self._first_tenant()))
        if service is None:
            raise ValueError("There is no such tenant.")
        rows = _object(document.get("rows"))
        return {"ids": contents.add(self._vendor.database, service.schema, rows)}

    def _show_snapshots(self, _asked: Asked) -> object:
        return {"snapshots": snapshots.names(self._vendor.database)}

    def _snapshot(self, asked: Asked) -> object:
        snapshots.take(self._vendor.database, asked.name())
        return self._show_snapshots(asked)

    def _restore(self, asked: Asked) -> object:
        snapshots.restore(self._vendor.database, asked.name())
        self._vendor.refresh()
        return {"restored": asked.name()}

    def _show_usage(self, _asked: Asked) -> object:
        return {
            ci: service.usage.used() for ci, service in self._vendor.tenants.items()
        }

    def _use(self, asked: Asked) -> object:
        """Count calls that nobody made, as if they had just come."""
        document = _object(asked.json())
        service = self._vendor.tenants.get(document.get("tenant", self._first_tenant()))
        calls = document.get("calls")
        if service is None:
            raise ValueError("There is no such tenant.")
        if not isinstance(calls, int) or isinstance(calls, bool) or calls < 0:
            raise ValueError("calls must be a whole number from 0.")
        service.usage.count(calls)
        return self._show_usage(asked)

    def _row(self, asked: Asked) -> Answer:
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
        return Answer(HTTPStatus.OK, "text/xml; charset=utf-8", xml)

    def _first_tenant(self) -> int:
        return next(iter(self._vendor.tenants))

    _routes: ClassVar[Mapping[str, Mapping[str, Handler]]] = {
        "requests": {
            "GET": _show_requests,
            "DELETE": _forget_requests,
        },
        "exchanges": {
            "GET": _show_exchanges,
            "DELETE": _forget_exchanges,
        },
        "tenants": {"GET": _show_tenants},
        "knobs": {
            "GET": _show_knobs,
            "POST": _turn_knobs,
            "DELETE": _loosen_knobs,
        },
        "clock": {
            "GET": _show_clock,
            "POST": _set_clock,
            "DELETE": _reset_clock,
        },
        "faults": {
            "GET": _show_faults,
            "POST": _queue_fault,
            "DELETE": _drop_faults,
        },
        "zones": {"GET": _show_zones, "POST": _move},
        "usage": {"GET": _show_usage, "POST": _use},
        "reset": {"POST": _reset},
        "seed": {"POST": _seed},
        "snapshot": {"GET": _show_snapshots, "POST": _snapshot},
        "restore": {"POST": _restore},
    }


def _read_move(given: Mapping[str, Any]) -> tuple[str, int | None]:
    username, zone = given.get("username"), given.get("zone")
    if not isinstance(username, str):
        raise ValueError("username must be a text.")  # noqa: TRY004 - one kind for all
    if zone is not None and (isinstance(zone, bool) or zone not in range(1, 1000)):
        raise ValueError("zone must be a whole number from 1 to 999, or null.")
    return username, zone


def _read_clock(document: object) -> tuple[datetime | None, timedelta, bool | None]:
    given = _object(document)
    unknown = set(given) - {"at", "advance_s", "frozen"}
    if unknown:
        raise ValueError(f"Unknown members: {', '.join(sorted(unknown))}.")
    at, by, frozen = given.get("at"), given.get("advance_s", 0), given.get("frozen")
    if isinstance(by, bool) or not isinstance(by, int | float):
        raise ValueError("advance_s must be a number.")  # noqa: TRY004 - one kind for all
    if frozen is not None and not isinstance(frozen, bool):
        raise ValueError("frozen must be true or false.")
    if at is None:
        return None, timedelta(seconds=by), frozen
    moment = datetime.fromisoformat(str(at))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment, timedelta(seconds=by), frozen


def _object(document: object) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise ValueError("A JSON object is needed.")  # noqa: TRY004 - one kind for all
    return document


def _form(asked: Asked) -> dict[str, str]:
    return dict(
        parse_qsl(asked.body.decode("ascii", "replace"), keep_blank_values=True)
    )


def _is_foreign(environ: Environ) -> bool:
    """Tell whether a web page of another origin makes the browser ask."""
    origin = environ.get("HTTP_ORIGIN")
    return origin is not None and urlsplit(origin).netloc != environ.get("HTTP_HOST")


def _problem(code: HTTPStatus, message: str) -> Answer:
    return answers.document({"message": message}, code)
