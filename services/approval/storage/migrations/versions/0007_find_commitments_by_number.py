"""Find commitments by number"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index(
        "commitment_by_number",
        "commitment",
        ["company_id", "number"],
        unique=False,
        schema="approval",
        postgresql_ops={"number": 'collate "C"'},
        postgresql_where=sa.text("number is not null"),
    )
