"""PostgreSQL tells whoever listens which job has changed, at the commit that changes it."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHANNEL = "syndb_jobs"


def upgrade() -> None:
    """Make the trigger; SQLite, which is one machine's, has none."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        f"""
        CREATE FUNCTION syndb_job_changed() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_notify('{CHANNEL}', NEW.job_id); RETURN NULL; END $$
        """
    )
    op.execute(
        "CREATE TRIGGER job_changed AFTER UPDATE OF version ON jobs "
        "FOR EACH ROW EXECUTE FUNCTION syndb_job_changed()"
    )
