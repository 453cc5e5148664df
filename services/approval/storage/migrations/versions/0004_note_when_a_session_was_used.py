"""Note when a session was used"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    used_at = sa.Column(
        "used_at", sa.DateTime(timezone=True), comment="about when it was last used; empty before the first use"
    )
    op.add_column("session", used_at, schema="approval")
    op.create_index("session_by_person", "session", ["person_id"], schema="approval")
