"""Keep the trace of a submission, so that decisions about it belong to it"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    column = sa.Column("traceparent", sa.Text(), comment="of the event that brought it")
    op.add_column("submission", column, schema="approval")
