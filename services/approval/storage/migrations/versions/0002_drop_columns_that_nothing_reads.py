"""Drop columns that nothing reads"""

from alembic import op

revision = "0002"
down_revision = "0001"

UNREAD = (
    "revision",
    "title",
    "vendor",
    "project_id",
    "project",
    "sent_by",
    "currency",
    "total",
    "connection",
    "failure_class",
    "document_number",
)


def upgrade() -> None:
    for name in UNREAD:
        op.drop_column("commitment", name, schema="approval")
