"""Set mails aside that cannot be read"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_constraint("mail_state_is_known", "mail", schema="notifier", type_="check")
    op.create_check_constraint(
        "mail_state_is_known",
        "mail",
        "state in ('pending', 'sending', 'sent', 'failed', 'expired', 'set_aside')",
        schema="notifier",
    )
    op.create_index(
        "mail_set_aside",
        "mail",
        ["event_id"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("state = 'set_aside'"),
    )
