"""Know when a status was heard"""

from alembic import op

from services.pipeline.migrations.kernel_0007 import FIRST, LAST

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute(
        f"""
        alter table digest.item add column known_since timestamptz,
            add constraint known_since_in_calendar check (known_since between '{FIRST}' and '{LAST}') not valid
        """
    )
    op.execute("comment on column digest.item.known_since is 'when its present status was first heard of'")
