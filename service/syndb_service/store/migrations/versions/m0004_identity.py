"""What a result depends on, so that it is found to be used again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for it, and an index to find it by."""
    op.add_column("jobs", sa.Column("identity", sa.String(64)))
    op.create_index("jobs_by_identity", "jobs", ["owner", "identity"])
