"""The log of requests, which is written a little after their answers."""

import pytest
from waiting import wait_until


@pytest.fixture
def noted(api):
    """Wait until a completed request is in the log; return its id."""

    def noted(answer, authorization=None):
        request_id = answer.headers["elements-request-id"]
        by = authorization or api.platform
        path = f"/usage/{request_id}"
        wait_until(lambda: api.get(path, authorization=by).status == 200)
        return request_id

    return noted
