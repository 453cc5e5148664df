"""Send the mails of one occasion together"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("mail", sa.Column("together", sa.Text(), nullable=True), schema="notifier")
    op.add_column("mail", sa.Column("sent_with", sa.UUID(), nullable=True), schema="notifier")
    op.create_index(
        "mail_not_yet_together",
        "mail",
        ["together", "next_attempt_at", "event_id"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("together is not null and sent_with is null and attempts = 0 and state = 'pending'"),
    )
    op.create_index(
        "mail_by_message",
        "mail",
        ["sent_with", "recipient_id"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("sent_with is not null and next_attempt_at is not null"),
    )
