"""What a job read, who is in which group, and what issuers said of whom."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for what access is decided by."""
    op.add_column("jobs", sa.Column("datasets", sa.JSON))
    op.create_table(
        "memberships",
        sa.Column("group_name", sa.String(100), primary_key=True),
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("issuer", sa.String(255), primary_key=True),
    )
    op.create_index("memberships_by_user", "memberships", ["user"])
    op.create_table(
        "standings",
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("affiliation", sa.String(255), nullable=False),
        sa.Column("verified_at", sa.BigInteger, nullable=False),
    )
