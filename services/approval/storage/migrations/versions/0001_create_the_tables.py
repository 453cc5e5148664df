"""Create the tables"""

import sqlalchemy as sa
from alembic import op

from services.pipeline.migrations.kernel_0001 import create_kernel_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_kernel_tables("approval")
    op.create_table(
        "commitment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=True, comment="empty until the first event says it"),
        sa.Column("state", sa.Text(), nullable=False, comment="the joined facts, as JSON"),
        sa.Column("status", sa.Text(), nullable=True, comment="empty while nothing was submitted, which is not shown"),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("sent_by", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("total", sa.Numeric(), nullable=True),
        sa.Column("connection", sa.Text(), nullable=True),
        sa.Column("failure_class", sa.Text(), nullable=True),
        sa.Column("document_number", sa.Text(), nullable=True),
        sa.Column("searchable", sa.Text(), nullable=True, comment="number, title, vendor and project in lower case"),
        sa.PrimaryKeyConstraint("id"),
        schema="approval",
    )
    op.create_index(
        "commitment_by_since",
        "commitment",
        ["company_id", "since", "id"],
        unique=False,
        schema="approval",
        postgresql_where=sa.text("status is not null"),
    )
    op.create_index(
        "commitment_by_status", "commitment", ["company_id", "status", "since", "id"], unique=False, schema="approval"
    )
    op.create_table(
        "erp_connection",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), nullable=True, comment="what the exporter last told, as JSON"),
        sa.PrimaryKeyConstraint("id"),
        schema="approval",
    )
    op.create_table(
        "history",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("commitment_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
        schema="approval",
    )
    op.create_index("history_by_commitment", "history", ["commitment_id", "at"], unique=False, schema="approval")
    op.create_table(
        "person",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), nullable=True, comment="the directory's record, as JSON; empty once removed"),
        sa.Column("company_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema="approval",
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the cookie's token"),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False, comment="what a sign-in under way must remember, as JSON"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
        schema="approval",
    )
    op.create_index("session_by_expiry", "session", ["expires_at"], unique=False, schema="approval")
    op.create_table(
        "submission",
        sa.Column("commitment_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False, comment="the commitment as received, word for word"),
        sa.Column("sent_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("commitment_id", "revision", "content_hash"),
        schema="approval",
    )
