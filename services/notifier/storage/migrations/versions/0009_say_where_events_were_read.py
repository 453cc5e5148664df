"""Say where events were read, and find dead letters by key"""

import sqlalchemy as sa
from alembic import op

from services.pipeline.migrations.kernel_0006 import find_dead_letters_by_key

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("mail", sa.Column("read_partition", sa.Integer()), schema="notifier")
    op.add_column("mail", sa.Column("read_offset", sa.BigInteger()), schema="notifier")
    find_dead_letters_by_key("notifier")
