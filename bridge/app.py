"""The Flask application of one serving process.

Apart from `composition`, so that commands and workers do not load Flask and the routes.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from bridge import web
from bridge.composition import (
    BACKENDS,
    OpenedDatabase,
    OpenService,
    build_context,
    open_database,
)
from bridge.settings import Settings


def create_app(
    settings: Settings,
    opened: OpenedDatabase | None = None,
    backends: Mapping[str, OpenService] = BACKENDS,
) -> Flask:
    """Build the Flask application of one serving process; the schema must be current.

    Raises:
        ConfigurationError: as `open_database`.
        StoreError: as `open_database`; or the schema is of another release.
    """
    database = open_database(settings, opened)
    database.check_schema()
    context = build_context(settings, database, backends)
    app = Flask(__name__, static_folder=None)
    web.register(app, context)
    return app
