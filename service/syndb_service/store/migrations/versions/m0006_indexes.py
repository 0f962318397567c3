"""What the sweeper and each submission ask stays as fast with many records behind."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes."""
    there = sa.text("destroyed_at IS NULL")
    op.create_index("jobs_by_expiry", "jobs", ["expires_at"], sqlite_where=there, postgresql_where=there)
    op.create_index("jobs_by_owner_and_status", "jobs", ["owner", "status"])
