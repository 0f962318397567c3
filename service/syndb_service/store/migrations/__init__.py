"""The Alembic revisions of the schema."""
