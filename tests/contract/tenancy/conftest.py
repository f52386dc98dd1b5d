"""The log of requests, which is written a little after their answers."""

import time

import pytest


@pytest.fixture
def noted(api):
    """Wait until an answered request is in the log; return its id."""

    def noted(answer, authorization=None):
        request_id = answer.headers["elements-request-id"]
        by = authorization or api.platform
        ends_at = time.monotonic() + 60
        while api.get(f"/usage/{request_id}", authorization=by).status != 200:
            assert time.monotonic() < ends_at, request_id
            time.sleep(0.05)
        return request_id

    return noted
