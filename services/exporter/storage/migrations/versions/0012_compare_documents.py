"""Compare the ERP's documents with what was exported"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"

# what earlier releases exported is looked for, spread over the first day; of it no content is known
KNOWN = sa.text("""
    insert into exporter.comparison (commitment_id, company_id, project_id, connection, revision, reopened, document, due_at)
    select distinct on (commitment_id) commitment_id, company_id, project_id, document ->> 'connection', revision, 0,
        document, now() + random() * interval '1 day'
    from exporter.export where state = 'succeeded' and document is not null
    order by commitment_id, revision desc
    on conflict do nothing
""")


def upgrade() -> None:
    op.create_table(
        "comparison",
        sa.Column("commitment_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("written", postgresql.JSONB()),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_token", sa.Uuid()),
        sa.Column("compared_at", sa.DateTime(timezone=True)),
        sa.Column("told", sa.Text()),
        sa.Column("told_version", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("commitment_id"),
        sa.ForeignKeyConstraint(["commitment_id"], ["exporter.commitment.id"]),
        schema="exporter",
    )
    op.create_index("comparison_due", "comparison", ["connection", "due_at"], schema="exporter")
    op.create_index(
        "comparison_told", "comparison", ["connection"], schema="exporter", postgresql_where=sa.text("told is not null")
    )
    op.get_bind().execute(KNOWN)
