"""Count how often a revision was reopened, and how much evidence turned out to be none"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for name in ("reopened", "ordered_reopened", "refused_evidence"):
        column = sa.Column(name, sa.Integer(), nullable=False, server_default="0")
        op.add_column("export", column, schema="exporter")
