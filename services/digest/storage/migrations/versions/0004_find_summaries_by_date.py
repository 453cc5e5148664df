"""Find summaries by date"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("digest_run_by_date", "digest_run", ["local_date"], unique=False, schema="digest")
