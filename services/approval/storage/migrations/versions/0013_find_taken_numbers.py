"""Find the numbers that stand in an ERP, and those that wait to"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_HELD = """
    update approval.commitment set holds_number = true
    where status in ('synced', 'exporting', 'in_doubt')
       or exists (select 1 from approval.document where document.commitment_id = commitment.id)
"""


def upgrade() -> None:
    comment = "whether its number stands in the ERP, or is about to"
    op.add_column(
        "commitment",
        sa.Column("holds_number", sa.Boolean(), nullable=False, server_default="false", comment=comment),
        schema="approval",
    )
    op.execute(_HELD)
    for name, chosen in (
        ("commitment_by_held_number", "holds_number"),
        ("commitment_by_waiting_number", "not holds_number and status in ('ready', 'disputed')"),
    ):
        op.create_index(
            name,
            "commitment",
            ["company_id", sa.text('number collate "C"')],
            schema="approval",
            postgresql_where=sa.text(chosen),
        )
