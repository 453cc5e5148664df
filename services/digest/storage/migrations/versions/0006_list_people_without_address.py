"""List people without a mail address"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.alter_column("person", "email", nullable=True, schema="digest")
