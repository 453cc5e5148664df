"""Note until when a running process has a connection in its file"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("connection", sa.Column("configured_until", sa.DateTime(timezone=True)), schema="exporter")
