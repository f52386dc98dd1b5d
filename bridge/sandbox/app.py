"""The WSGI application: paths, login, the order of checks, faults on demand.

Order: path, credentials, readable envelope, known operation, integration code, then
the operation.
Source: SOAP contract notes, sections 2, 3, 14.1 and 22.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from threading import BoundedSemaphore

from bridge.sandbox import errors
from bridge.sandbox.control import fault_injection, zones
from bridge.sandbox.control.endpoints import PREFIX, ControlEndpoints
from bridge.sandbox.control.fault_queue import Fault, FaultQueue
from bridge.sandbox.control.journal import UNKNOWN, Entry, Journal, Recording
from bridge.sandbox.control.tenants import NEW, TenantService
from bridge.sandbox.control.vendor import Vendor
from bridge.sandbox.data.dataset import ApiUser
from bridge.sandbox.declarations import rule
from bridge.sandbox.errors import SoapFaultError
from bridge.sandbox.operations import dispatch
from bridge.sandbox.operations.calls import Call
from bridge.sandbox.operations.dispatch import IMPLEMENTED, ZONE_LOOKUP
from bridge.sandbox.soap import envelope, http_responses, wsdl
from bridge.sandbox.soap.envelope import Request
from bridge.sandbox.soap.http_responses import Environ, HttpResponse, StartResponse

MAX_BODY_BYTES = 32_000_000

# Of requests to the vendor's paths; the server has some threads more, so that the
# control paths always respond.
MAX_CONCURRENT_REQUESTS = 160

_COUNTED = IMPLEMENTED | {""}  # calls that cannot be read have no operation
_PATH = re.compile(
    r"/atservices/(?P<version>1\.[56])/atws\.(?P<what>asmx|wsdl)\Z", re.IGNORECASE
)
_TOO_LARGE = http_responses.page(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large."
)
_LOG = logging.getLogger(__name__)

Login = tuple[TenantService, ApiUser]


class SandboxApp:
    """The simulated vendor's web server; one for all threads."""

    def __init__(self, vendor: Vendor, recording: Recording) -> None:
        self._vendor = vendor
        self._journal = Journal()
        self._recording = recording
        self._faults = FaultQueue()
        self._slots = BoundedSemaphore(MAX_CONCURRENT_REQUESTS)
        self._control = ControlEndpoints(vendor, self._journal, recording, self._faults)
        # Rendering is slow, and the description differs by version and address.
        self._description = lru_cache(maxsize=8)(self._render_description)

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Respond to one HTTP request."""
        start_response = self._dated(start_response)
        path = environ.get("PATH_INFO", "")
        if path in {"/", PREFIX} or path.startswith(f"{PREFIX}/"):
            body = _read_body(environ)
            response = (
                _TOO_LARGE if body is None else self._control.respond(environ, body)
            )
            return http_responses.send(environ, start_response, response)
        if not self._slots.acquire(blocking=False):
            status = HTTPStatus.SERVICE_UNAVAILABLE
            self._journal.add(Entry("", "", "", status.value, 0.0, "busy"))
            page = http_responses.page(status, "Too many calls at once.")
            return http_responses.send(environ, start_response, page)
        try:
            parts = self._serve(environ, start_response)
        except BaseException:
            self._slots.release()
            raise
        return _StreamedResponse(parts, self._slots.release)

    def _dated(self, start_response: StartResponse) -> StartResponse:
        """Return a `start_response` that sets `Date` by the simulator's clock."""

        def start(code: str, headers: list[tuple[str, str]]) -> object:
            now = format_datetime(self._vendor.clock.now(), usegmt=True)
            return start_response(code, [("Date", now), *headers])

        return start

    @rule(
        "Transport",
        "Paths are matched without case; both versions are served beside each other",
        source="clients",
    )
    def _serve(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Respond to a request for one of the vendor's paths."""
        path = environ.get("PATH_INFO", "")
        host = environ.get("HTTP_HOST", "")
        zone, service_path = zones.requested_zone(path, host)
        found = _PATH.match(service_path)
        body = _read_body(environ)
        if body is None:
            response = _TOO_LARGE
        elif found is None:
            response = http_responses.page(
                HTTPStatus.NOT_FOUND, "File or directory not found."
            )
        elif found["what"].lower() == "wsdl":
            zone_in_path = zone if service_path != path else None
            response = self._wsdl(environ, found["version"], zone_in_path)
        elif environ["REQUEST_METHOD"] != "POST":
            response = http_responses.page(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "POST a SOAP envelope.",
                ("Allow", "POST"),
            )
        else:
            exchange = _Exchange(environ, found["version"], zone, body)
            return self._soap(exchange, start_response)
        return http_responses.send(environ, start_response, response)

    @rule(
        "Transport",
        "The description is served without a login, with this server's own address",
        source="clients",
    )
    def _wsdl(self, environ: Environ, version: str, zone: int | None) -> HttpResponse:
        if environ.get("HTTP_AUTHORIZATION") and self._login(environ) is None:
            return http_responses.unauthorized(environ)
        base = http_responses.base_url(environ)
        if base is None:
            return http_responses.page(HTTPStatus.BAD_REQUEST, "Invalid hostname.")
        address = dispatch.service_url(zones.address(base, zone), version)
        body = self._description(version, address)
        return HttpResponse(HTTPStatus.OK, "text/xml; charset=utf-8", body)

    def _render_description(self, version: str, address: str) -> bytes:
        return wsdl.render(
            self._vendor.facts,
            version=version,
            generation=self._vendor.editions[version].generation,
            address=address,
        )

    def _soap(
        self, exchange: _Exchange, start_response: StartResponse
    ) -> Iterable[bytes]:
        started = time.perf_counter()
        environ, request = exchange.environ, exchange.read()
        operation = request.operation if isinstance(request, Request) else ""
        knobs = self._vendor.knobs
        # A fault applies also to calls with a wrong login or an unreadable body.
        fault = self._faults.pop(operation) or knobs.fault()
        response = fault_injection.apply(
            fault, lambda: self._call(exchange, request), environ
        )
        if delay_s := knobs.latency_s():
            time.sleep(delay_s)  # while the call still occupies its thread
        ms = round((time.perf_counter() - started) * 1000, 3)
        self._record(exchange, operation, response, ms, fault)
        sent = fault_injection.send(environ, start_response, response, fault)
        call = exchange.call
        return sent if call is None else _StreamedResponse(sent, call.release_slot)

    def _record(
        self,
        exchange: _Exchange,
        operation: str,
        response: HttpResponse,
        ms: float,
        fault: Fault | None,
    ) -> None:
        entry = Entry(
            operation if operation in _COUNTED else UNKNOWN,
            exchange.call.entity if exchange.call else "",
            exchange.user,
            response.status.value,
            ms,
            fault.kind if fault else "",
        )
        self._journal.add(entry)
        in_memory = self._vendor.knobs.current.recording
        self._recording.add(entry, exchange.body, response.body, in_memory=in_memory)

    def _login(self, environ: Environ) -> Login | None:
        credentials = _basic_credentials(environ.get("HTTP_AUTHORIZATION", ""))
        return self._vendor.login(*credentials) if credentials else None

    def _call(
        self, exchange: _Exchange, request: Request | SoapFaultError | HttpResponse
    ) -> HttpResponse:
        """Check the login, then what was read, then execute the call."""
        environ = exchange.environ
        login = self._login(environ)
        is_lookup = isinstance(request, Request) and request.operation == ZONE_LOOKUP
        if login is None and (environ.get("HTTP_AUTHORIZATION") or not is_lookup):
            return http_responses.unauthorized(environ)
        if login is not None:
            if not self._may_call(exchange, login[1], is_lookup=is_lookup):
                return http_responses.unauthorized(environ)
            exchange.user = login[1].username
        if isinstance(request, HttpResponse):
            return request
        try:
            return http_responses.soap(self._execute(exchange, request, login))
        except SoapFaultError as error:
            fault = error
        except Exception:  # noqa: BLE001 - the outermost frame: no traceback leaves it
            _LOG.exception("A call failed inside the simulator")
            fault = errors.unprocessable("System.Exception")
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return http_responses.soap(envelope.soap_fault(fault), status)

    @rule("Login", "Only API-only users may call 1.6", source="help")
    def _may_call(self, exchange: _Exchange, user: ApiUser, *, is_lookup: bool) -> bool:
        """Return whether this version serves a user, and in this zone.

        Every zone responds to the lookup. Source: SOAP contract notes, sections 1.2 and
        2. Unverified: a login of the other kind gets the page for wrong credentials.
        """
        if exchange.version == NEW and not user.api_only:
            return False
        return is_lookup or self._vendor.zones.serves(exchange.zone, user.username)

    def _execute(
        self,
        exchange: _Exchange,
        request: Request | SoapFaultError,
        login: Login | None,
    ) -> bytes:
        if isinstance(request, SoapFaultError):
            raise request
        if request.operation == ZONE_LOOKUP or login is None:
            base = http_responses.base_url(exchange.environ)
            if base is None:
                raise errors.unprocessable("System.UriFormatException: Invalid host.")
            return dispatch.get_zone_info(self._vendor, request, exchange.version, base)
        exchange.call = Call(self._vendor, *login, request)
        return dispatch.execute(exchange.call)


@dataclass(slots=True)
class _Exchange:
    """One SOAP exchange: the request, and what is known about it for the journal."""

    environ: Environ
    version: str
    zone: int | None
    body: bytes
    user: str = ""
    call: Call | None = None

    @rule(
        "Transport",
        "Only text/xml is accepted; SOAP 1.2 is a 415",
        source="unverified",
    )
    def read(self) -> Request | SoapFaultError | HttpResponse:
        """Return the call, or why it cannot be read.

        The reason is returned, not raised: a wrong login is reported first.
        """
        content_type = self.environ.get("CONTENT_TYPE", "").partition(";")[0]
        if content_type.strip().lower() != "text/xml":
            return http_responses.page(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The content type must be text/xml."
            )
        action = self.environ.get("HTTP_SOAPACTION", "").strip().strip('"')
        try:
            return envelope.read_request(self.body, self.version, action)
        except SoapFaultError as error:
            return error


class _StreamedResponse:
    """A response body that releases a resource once it has been sent."""

    def __init__(self, parts: Iterable[bytes], release: Callable[[], None]) -> None:
        self._parts = parts
        self._release = release

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        """Release it, and what the inner body holds; the server calls this once."""
        close = getattr(self._parts, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._release()


@rule("Transport", "Request bodies of at most 32 MB", source="unverified")
def _read_body(environ: Environ) -> bytes | None:
    """Return the body, None when it is larger than the limit."""
    if int(environ.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        return None
    body: bytes = environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
    return None if len(body) > MAX_BODY_BYTES else body


def _basic_credentials(header: str) -> tuple[str, str] | None:
    """Return user name and password of an Authorization header, if it is Basic."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        raw = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("iso-8859-1")  # as older clients encode it
    username, colon, password = text.partition(":")
    return (username, password) if colon else None
