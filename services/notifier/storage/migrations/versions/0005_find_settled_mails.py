"""Find settled mails, and those that still have contents"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index(
        "mail_settled",
        "mail",
        ["settled_at"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("settled_at IS NOT NULL"),
    )
    op.create_index(
        "mail_with_contents",
        "mail",
        ["settled_at"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("settled_at is not null and event_data <> ''"),
    )
