"""Drop columns that nothing reads"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXTS = (
    "title",
    "vendor",
    "project_id",
    "project",
    "sent_by",
    "currency",
    "connection",
    "failure_class",
    "document_number",
)


def upgrade() -> None:
    for name in ("revision", "total", *TEXTS):
        op.drop_column("commitment", name, schema="approval")


def downgrade() -> None:
    op.add_column("commitment", sa.Column("revision", sa.Integer(), nullable=True), schema="approval")
    op.add_column("commitment", sa.Column("total", sa.Numeric(), nullable=True), schema="approval")
    for name in TEXTS:
        op.add_column("commitment", sa.Column(name, sa.Text(), nullable=True), schema="approval")
