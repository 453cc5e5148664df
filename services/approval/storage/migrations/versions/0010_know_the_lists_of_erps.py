"""Know the entries of the ERPs' lists, and the line before an ERP that asks for work"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "erp_reference",
        sa.Column("id", sa.Text(), primary_key=True, comment="the key of its messages"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("connection", sa.Text()),
        sa.Column("list_name", sa.Text()),
        sa.Column("entry_id", sa.Text(), comment="its id in the ERP, in lower case"),
        sa.Column("name", sa.Text(), comment="its full name in the ERP, in lower case; empty once removed"),
        sa.Column("is_active", sa.Boolean()),
        schema="approval",
    )
    for column in ("name", "entry_id"):
        op.create_index(
            f"erp_reference_by_{column}", "erp_reference", ["connection", "list_name", column], schema="approval"
        )
    comment = "what decides which ERP it waits for, as JSON; empty unless it is exporting"
    op.add_column("commitment", sa.Column("route", sa.Text(), comment=comment), schema="approval")
    # what was accepted before has no route: until this release no ERP asked for work, so it stands in no line
    op.create_index(
        "commitment_in_line",
        "commitment",
        ["company_id", "since"],
        schema="approval",
        postgresql_include=["route"],
        postgresql_where=sa.text("route is not null"),
    )
