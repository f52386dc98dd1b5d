"""The log of requests and figures out of it."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.services.apidocs.model import Access, Operation, Parameter, of_room
from bridge.services.apidocs.parameters import PAGING, SEARCH, TOTAL, WHOLE, query
from bridge.services.apidocs.schema import (
    Schema,
    array,
    either,
    moment,
    obj,
    ref,
    text,
    whole,
)
from bridge.types import JSON

_FIGURES: dict[str, Schema] = {
    "count": whole(),
    "success": whole("Statuses below 400"),
    "failed": whole(),
}
SCHEMAS: dict[str, Schema] = {
    "Usage": obj(
        {
            "user_id": whole(),
            "account_id": whole(),
            "company_id": whole(),
            "process_time": {"type": "number", "description": "Milliseconds"},
            "traffic_id": text(),
            "request_status": text(),
            "request_uri": text(),
            "element_api": text(),
            "request_id": text(),
            "traffic_date": moment(),
            "company_external_id": text(),
            "company_external_name": text(),
        },
        {"request_ip": text(), "element_key": text(), "element_name": text()},
    ),
    "RequestsInTime": obj({"timestamp": moment("Start of the interval"), **_FIGURES}),
    "RequestsOfAccount": obj({"accountId": whole(), **_FIGURES}),
    "RequestsOfElement": obj(
        {"elementKey": either(text("null for calls of no element")), **_FIGURES}
    ),
    "RequestsOfStatus": obj(
        {"timestamp": moment("Start of the interval"), "status": whole(), **_FIGURES}
    ),
    "InstanceUsage": obj({"usage": array(obj({"instanceId": whole(), **_FIGURES}))}),
    "CreatedInstances": obj({"instancesCreatedCount": whole()}),
}
_INTERVALS: list[JSON] = [
    *("second", "minute", "hour", "day", "week", "month", "quarter", "year")
]
_CHOSEN: tuple[Parameter, ...] = (
    query("from", text(format="date-time"), "Earliest time"),
    query("to", text(format="date-time"), "Latest time"),
    query("hub", text(), "Key of a hub"),
    query("keys[]", array(text()), "Keys of elements"),
    query("tags[]", array(text()), "Tags of instances"),
    query("status", text(), "A code as `404`, or `4xx`, `success`, `failed`"),
    SEARCH,
)


def operations() -> list[Operation]:
    """Return the operations on the log."""
    return [
        *of_room("Usage", Access.USER, _usage()),
        *of_room("Usage", Access.USER, _figures()),
    ]


def _usage() -> Iterator[Operation]:
    wishes = (
        *_CHOSEN,
        query("pageOffset", whole(minimum=0), "Items to pass over"),
        *PAGING,
        TOTAL,
    )
    yield Operation(
        "GET",
        "/usage",
        "getUsage",
        "List the account's requests, newest first",
        array(ref("Usage")),
        None,
        wishes,
    )
    yield Operation(
        "GET",
        "/usage/{requestId}",
        "getUsageByRequestId",
        "Read one request",
        ref("Usage"),
    )


def _figures() -> Iterator[Operation]:
    accounts = query("accountIds[]", array(whole()), "Ids of accounts")
    interval = query("interval", text(enum=_INTERVALS), "Fits the time unless given")
    path, name = "/usage/analytics", "getUsageAnalytics"
    in_time = array(ref("RequestsInTime"))
    for tail, of, counted, answer in (
        ("", "", "requests", in_time),
        ("/times", "Times", "requests", in_time),
        ("/statuses", "Statuses", "requests by status", array(ref("RequestsOfStatus"))),
    ):
        yield Operation(
            "GET",
            path + tail,
            name + of,
            f"Count {counted}, interval by interval, of the last day unless told",
            answer,
            None,
            (*_CHOSEN, accounts, interval, *WHOLE),
        )
    for one in ("Account", "Element"):
        yield Operation(
            "GET",
            f"{path}/{one.lower()}s",
            f"{name}{one}s",
            f"Count requests by {one.lower()}, of the last day unless told",
            array(ref(f"RequestsOf{one}")),
            None,
            (*_CHOSEN, accounts, *WHOLE),
        )
    path, name = f"{path}/activity/element-instances", f"{name}ElementInstances"
    for tail, of, summary, answer in (
        ("", "", "Count requests by instance", ref("InstanceUsage")),
        (
            "/created-count",
            "CreatedCount",
            "Count the instances that were created and still exist",
            ref("CreatedInstances"),
        ),
    ):
        yield Operation(
            "GET",
            path + tail,
            name + of,
            f"{summary}, of the last day unless told",
            answer,
            None,
            (*_CHOSEN, accounts),
        )
