"""Chain the decisions on each commitment"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    for column in (
        sa.Column("position", sa.BigInteger(), comment="of a decision in the chain of its commitment"),
        sa.Column("hash", sa.Text(), comment="of the decision, with that of the one before"),
        sa.Column("decision", sa.Text(), comment="what the hash protects, in its RFC 8785 form"),
    ):
        op.add_column("history", column, schema="approval")
