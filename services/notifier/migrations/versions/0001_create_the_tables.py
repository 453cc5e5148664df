"""Create the tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "consumer_offset",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition"),
        schema="notifier",
    )
    op.create_table(
        "dead_letter",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("header_names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("header_values", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "offset"),
        schema="notifier",
    )
    op.create_index("dead_letter_by_reason", "dead_letter", ["reason"], unique=False, schema="notifier")
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="notifier",
    )
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
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True, cache=1), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="notifier",
    )


def downgrade() -> None:
    op.drop_table("outbox", schema="notifier")
    op.drop_index(
        "mail_oldest_open",
        table_name="mail",
        schema="notifier",
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.drop_index(
        "mail_due", table_name="mail", schema="notifier", postgresql_where=sa.text("next_attempt_at IS NOT NULL")
    )
    op.drop_index(
        "mail_by_digest_recipient",
        table_name="mail",
        schema="notifier",
        postgresql_where=sa.text("commitment_id IS NULL"),
    )
    op.drop_index(
        "mail_by_commitment",
        table_name="mail",
        schema="notifier",
        postgresql_where=sa.text("commitment_id IS NOT NULL"),
    )
    op.drop_table("mail", schema="notifier")
    op.drop_table("lease", schema="notifier")
    op.drop_index("dead_letter_by_reason", table_name="dead_letter", schema="notifier")
    op.drop_table("dead_letter", schema="notifier")
    op.drop_table("consumer_offset", schema="notifier")
