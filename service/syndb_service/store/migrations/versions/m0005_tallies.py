"""What was done that no job's row tells of: files of no job that were swept."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tallies, at nought."""
    tallies = op.create_table(
        "tallies",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    names = ("swept_orphans", "swept_orphan_bytes")
    op.bulk_insert(tallies, [{"name": name, "value": 0} for name in names])
