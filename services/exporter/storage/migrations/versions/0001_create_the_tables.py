"""Create the tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.pipeline.migrations.kernel_0001 import create_kernel_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_kernel_tables("exporter")
    op.create_table(
        "commitment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=True),
        sa.Column("connection", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_revision", sa.Integer(), nullable=True),
        sa.Column("resolved", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema="exporter",
    )
    op.create_index(
        "commitment_due",
        "commitment",
        ["connection", "due_at"],
        unique=False,
        schema="exporter",
        postgresql_where=sa.text("due_at is not null"),
    )
    op.create_index(
        "commitment_leased",
        "commitment",
        ["connection"],
        unique=False,
        schema="exporter",
        postgresql_where=sa.text("lease_token is not null"),
    )
    op.create_table(
        "connection",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("missed_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("open_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_contact", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
        schema="exporter",
    )
    op.create_table(
        "export",
        sa.Column("commitment_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("ordered_round", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("decided_by", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("connection", sa.Text(), nullable=True),
        sa.Column("erp_code", sa.Text(), nullable=True),
        sa.Column("accounting_date", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("document", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("failure", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["commitment_id"], ["exporter.commitment.id"]),
        sa.PrimaryKeyConstraint("commitment_id", "revision"),
        schema="exporter",
    )
    op.create_index(
        "export_one_open",
        "export",
        ["commitment_id"],
        unique=True,
        schema="exporter",
        postgresql_where=sa.text("state in ('in_flight', 'in_doubt')"),
    )
    op.create_index(
        "export_unsettled",
        "export",
        ["connection", "state"],
        unique=False,
        schema="exporter",
        postgresql_where=sa.text("state in ('pending', 'in_flight', 'in_doubt', 'failed')"),
    )
    op.create_table(
        "snapshot",
        sa.Column("commitment_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["commitment_id"], ["exporter.commitment.id"]),
        sa.PrimaryKeyConstraint("commitment_id", "revision", "round"),
        schema="exporter",
    )
