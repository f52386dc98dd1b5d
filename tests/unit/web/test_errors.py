"""One status for every error class."""

from __future__ import annotations

import json

import pytest

from bridge import errors
from bridge.web.http.errors import STATUS, STRICT_STATUS, envelope, status_of


def leaves(kind):
    children = kind.__subclasses__()
    return [leaf for child in children for leaf in leaves(child)] or [kind]


@pytest.mark.parametrize("kind", leaves(errors.BridgeError))
def test_every_error_has_a_status_of_its_own(kind):
    assert kind in STATUS


@pytest.mark.parametrize(
    ("kind", "status", "strict"),
    [
        (errors.InvalidQueryError, 400, 400),
        (errors.ProviderCredentialsError, 401, 401),
        (errors.ProviderOutcomeUnknownError, 502, 502),
        (errors.ProviderThresholdError, 502, 429),
        (errors.ProviderUnavailableError, 502, 503),
        (errors.ProviderTimeoutError, 502, 504),
        (errors.StoreError, 500, 500),
        (errors.StoreUnavailableError, 502, 503),
        (errors.StoreFullError, 502, 503),
        (errors.BridgeError, 500, 500),
    ],
)
def test_statuses_by_default_and_when_the_operator_opts_in(kind, status, strict):
    assert status_of(kind("x")) == status
    assert status_of(kind("x"), strict=True) == strict


def test_a_new_subclass_inherits_its_status():
    class LateError(errors.ConflictError):
        pass

    assert status_of(LateError("x")) == 409


def test_strict_statuses_are_for_errors_that_may_pass():
    assert all(kind.retryable for kind in STRICT_STATUS)


def test_the_error_body_has_a_provider_message_only_if_the_vendor_sent_one():
    assert json.loads(envelope("id", "no")) == {"requestId": "id", "message": "no"}
    assert json.loads(envelope("id", "no", "why")) == {
        "requestId": "id",
        "message": "no",
        "providerMessage": "why",
    }
