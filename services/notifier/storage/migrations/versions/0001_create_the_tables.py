"""Create the tables"""

import sqlalchemy as sa
from alembic import op

from services.pipeline.migrations.kernel_0001 import create_kernel_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_kernel_tables("notifier")
    op.create_table(
        "mail",
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("recipient_id", sa.Text(), nullable=False),
        sa.Column("recipient_name", sa.Text(), nullable=False),
        sa.Column("recipient_email", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("commitment_id", sa.Text(), nullable=True),
        sa.Column("event_data", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lost_answers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("interruptions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("smtp_answer", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state in ('pending', 'sending')) = (next_attempt_at is not null)", name="mail_is_due_while_open"
        ),
        sa.CheckConstraint("state in ('pending', 'sending', 'sent', 'failed', 'expired')", name="mail_state_is_known"),
        sa.PrimaryKeyConstraint("event_id", "recipient_id"),
        schema="notifier",
    )
    op.create_index(
        "mail_by_commitment",
        "mail",
        ["commitment_id"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("commitment_id IS NOT NULL"),
    )
    op.create_index(
        "mail_by_digest_recipient",
        "mail",
        ["recipient_id"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("commitment_id IS NULL"),
    )
    op.create_index(
        "mail_due",
        "mail",
        ["next_attempt_at"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "mail_oldest_open",
        "mail",
        ["created_at"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
