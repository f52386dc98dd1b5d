"""A facade served in the process of the test, so that its context can be changed."""

from __future__ import annotations

import contextlib
import dataclasses

from flask import Flask

from bridge import web
from bridge.composition import BACKENDS, build_context, open_database
from bridge.settings import Settings


@contextlib.contextmanager
def serve_in_process(demo, demo_dir, *, backends=BACKENDS, **changes):
    """Yield a caller of the demo's instance; `changes` are members of the context."""
    settings = Settings(
        data_dir=demo_dir,
        integration_code=demo["integrationCode"],
        autotask_allow_loopback=True,
    )
    with contextlib.closing(open_database(settings)) as database:
        context = build_context(settings, database, backends)
        app = Flask("bridge", static_folder=None)
        web.register(app, dataclasses.replace(context, **changes))
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = (
            f"User {demo['userSecret']}, Organization {demo['organizationSecret']}, "
            f"Element {demo['elementToken']}"
        )
        yield client
        context.close_backends()
        context.request_log.flush()
