"""The environment of Alembic: it migrates on the connection in the configuration's attributes."""

from alembic import context

from syndb_service.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True
)
context.run_migrations()
