"""Find exports by document"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for member in ("id", "number"):
        op.create_index(
            f"export_by_document_{member}",
            "export",
            [sa.text("(document ->> 'connection')"), sa.text(f"(document ->> '{member}')")],
            unique=False,
            schema="exporter",
            postgresql_where=sa.text("document is not null"),
        )
