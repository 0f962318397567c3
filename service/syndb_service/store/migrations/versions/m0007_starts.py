"""When a job of each user was last started is found at once: it decides whose turn is next."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("jobs_by_owner_and_start", "jobs", ["owner", "started_at"])
