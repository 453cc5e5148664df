"""Close failed exports, set aside what cannot be read, and index the gauges"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("commitment", sa.Column("rejected_revision", sa.Integer(), nullable=True), schema="exporter")
    op.add_column("commitment", sa.Column("rejected_round", sa.Integer(), nullable=True), schema="exporter")
    op.add_column("commitment", sa.Column("set_aside", sa.Text(), nullable=True), schema="exporter")
    op.create_index(
        "commitment_set_aside",
        "commitment",
        ["id"],
        unique=False,
        schema="exporter",
        postgresql_where=sa.text("set_aside is not null"),
    )
    op.add_column(
        "export",
        sa.Column("is_closed", sa.Boolean(), server_default="false", nullable=False),
        schema="exporter",
    )
    op.execute(
        "update exporter.export set is_closed = true where state = 'failed' and exists (select from exporter.export later"
        " where later.commitment_id = export.commitment_id and later.revision > export.revision)"
    )
    op.create_index(
        "export_waiting",
        "export",
        ["connection", "state", "accepted_at"],
        unique=False,
        schema="exporter",
        postgresql_where=sa.text("state in ('pending', 'in_flight', 'in_doubt')"),
    )
    op.create_index(
        "export_failed",
        "export",
        ["connection", "state_since"],
        unique=False,
        schema="exporter",
        postgresql_where=sa.text("state = 'failed' and not is_closed"),
    )
    # the two indexes above serve the same questions, and also of rows that this one did not cover
    op.drop_index("export_unsettled", table_name="export", schema="exporter")
