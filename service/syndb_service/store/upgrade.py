"""The upgrade of the schema to this version by Alembic; concurrent starts run it once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from syndb_service.errors import BadSetting, TransientError
from syndb_service.store.database import DATABASE_DAMAGED, Database

HEAD: Final = "0009"
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Upgrade the schema to this version, if it is older.

    Raises
    ------
    BadSetting
        If a newer version of the service has upgraded the database, or its file is no database.
    """
    try:
        with database.read() as connection:
            found = revision(connection)
    except TransientError as error:
        if error.error_code != DATABASE_DAMAGED:
            raise
        url = database.engine.url.render_as_string()
        raise BadSetting(
            f"{error.message}: {url}",
            hint="Put a sound copy in its place, move it away to begin afresh, or set SYNDB_DATABASE_URL.",
        ) from error
    if found == HEAD:
        return
    with database.write() as connection:
        database.serialize(connection, "upgrade")
        found = revision(connection)
        if found != HEAD:
            _migrate(connection, found)


def revision(connection: Connection) -> str | None:
    """Return the version of a database's schema; None if it has none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _migrate(connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise BadSetting(
            f"the job database has schema {found}, which this version (schema {HEAD}) doesn't know",
            code="newer_schema",
            hint="A newer syndb-lab has used it: install that one, or set another SYNDB_DATABASE_URL.",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
