"""Keep conversations with the clients of polled ERPs, and the lists that these ERPs have"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "conversation",
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("last_call_at", INSTANT, nullable=False),
        sa.Column("progress", JSONB(none_as_null=True), nullable=False),
        sa.Column("company_file", sa.Text(), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("ticket"),
        schema="exporter",
    )
    op.create_index(
        "conversation_open",
        "conversation",
        ["connection"],
        unique=True,
        schema="exporter",
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_index("conversation_ended", "conversation", ["ended_at"], schema="exporter")
    op.create_table(
        "reference",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("is_gone", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("connection", "list", "id"),
        schema="exporter",
    )
    op.add_column("export", sa.Column("message_set_id", sa.Text(), nullable=True), schema="exporter")
    op.add_column("export", sa.Column("sent_at", INSTANT, nullable=True), schema="exporter")
    op.create_table(
        "poller",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("last_asked", INSTANT, nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("company_file", sa.Text(), nullable=True),
        sa.Column("lists_read", JSONB(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("connection"),
        schema="exporter",
    )
