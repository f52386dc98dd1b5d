"""What Alembic runs; `bridge.store.database.schema` hands in the connection.

The connection is inside a transaction already, so a migration that fails leaves no
trace on either database.
"""

from __future__ import annotations

from alembic import context

from bridge.store.models import metadata

# Alembic executes this file under a name of its own; imported, it does nothing.
if __name__ == "env_py":
    context.configure(
        connection=context.config.attributes["connection"], target_metadata=metadata
    )
    with context.begin_transaction():
        context.run_migrations()
