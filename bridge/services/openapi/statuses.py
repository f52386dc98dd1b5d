"""What each status means. Source: elements-api 1.7."""

from __future__ import annotations

SUCCESS = "Done"
FAILURES = {
    400: "A parameter, the body or a value in it cannot be used",
    401: "A secret or token is missing, unknown, or does not open this",
    403: "Known, but not allowed; the instance may be disabled",
    404: "No such path, object or record, or nothing found",
    405: "There is such a thing, but not with this method",
    406: "Nothing that Accept allows can be produced",
    409: "The same thing exists already, or is being made just now",
    415: "A body of this kind is not read here",
    500: "The bridge failed",
    502: "Autotask failed, refused to serve, or did not answer in time",
}
TOO_LARGE = {413: "The body is too large"}
"""Beyond the table, where there is a body."""

STRICT = {
    429: "The call budget of the Autotask database is used up",
    503: "Autotask cannot be reached",
    504: "Autotask did not answer in time",
}
"""Instead of 502, where the operator asked for them."""

HEADERS = {
    "Elements-Request-Id": "Id of this call, the `requestId` of an error",
    "Elements-Element-Instance-Id": "Id of the instance that was used",
    "Elements-Returned-Count": "Number of items in this answer",
    "Elements-Total-Count": "Number of all items that match",
    "Elements-Next-Page-Token": "Where the next page begins; absent on the last",
    "Elements-Error": "What was ignored",
    "Elements-Trace-Id": "Id of the trace, while the instance is traced",
    "Idempotency-Replayed": "`true` when this is the answer of an earlier call",
}
NUMBERS = frozenset(
    {
        "Elements-Element-Instance-Id",
        "Elements-Returned-Count",
        "Elements-Total-Count",
    }
)
"""Headers whose values are whole numbers."""

LISTING = (
    "Elements-Returned-Count",
    "Elements-Total-Count",
    "Elements-Next-Page-Token",
    "Elements-Error",
)


def failures(*, strict: bool, body: bool = True) -> dict[int, str]:
    """Return the statuses of failures with their meanings, ascending."""
    found = {**FAILURES, **(TOO_LARGE if body else {}), **(STRICT if strict else {})}
    return dict(sorted(found.items()))
