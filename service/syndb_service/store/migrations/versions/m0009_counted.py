"""Jobs are counted when they have ended: the figures no longer read every row that was ever made."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEXES = (
    ("jobs_uncounted", ["status", "kind"], "tallied = 0"),
    ("jobs_destroyed", ["destroyed_at"], "tallied = 1 AND destroyed_at IS NOT NULL"),
    ("jobs_damaged", ["reason"], "reason IN ('result_damaged', 'result_lost')"),
)


def upgrade() -> None:
    """Mark no job as counted; the sweeper counts those of the past in a few rounds."""
    op.add_column("jobs", sa.Column("tallied", sa.SmallInteger, nullable=False, server_default="0"))
    for name, columns, where in INDEXES:
        condition = sa.text(where)
        op.create_index(name, "jobs", columns, sqlite_where=condition, postgresql_where=condition)
