"""Answer a repeated request as before"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "kept_response",
        sa.Column("person_id", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True, comment="the Idempotency-Key of the request"),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of method, path and body"),
        sa.Column("status", sa.Integer(), comment="empty while the request is being carried out"),
        sa.Column("headers", sa.Text(), comment="as JSON"),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        schema="approval",
    )
    op.create_index("kept_response_by_time", "kept_response", ["at"], schema="approval")
