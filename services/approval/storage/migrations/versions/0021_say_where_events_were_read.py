"""Say where events were read, and find dead letters by key"""

import sqlalchemy as sa
from alembic import op

from services.pipeline.migrations.kernel_0006 import find_dead_letters_by_key

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    comment = "of where its event was read; empty if told here"
    op.add_column("history", sa.Column("read_partition", sa.Integer(), comment=comment), schema="approval")
    op.add_column("history", sa.Column("read_offset", sa.BigInteger()), schema="approval")
    find_dead_letters_by_key("approval")
