"""Look again in each ERP that had a doubt about a commitment, and note who has a connection under a former name"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"

# while processes are replaced, those of the previous release plan looks in the table that it knows, and look themselves.
# A doubt that they record begins the looks anew; what they found is known; no look of ours is put off by theirs
PLAN_LOOK = """
    create function exporter.plan_look() returns trigger language plpgsql as $$
    begin
        insert into exporter.look (commitment_id, company_id, connection, due_at, looks, told)
        values (new.commitment_id, new.company_id, new.connection, new.due_at, new.looks, new.told)
        on conflict (commitment_id, connection) do update set due_at = least(look.due_at, excluded.due_at),
            lease_token = null, looks = least(look.looks, excluded.looks),
            told = coalesce(look.told || excluded.told, look.told, excluded.told);
        return null;
    end $$
"""
COPY_WHAT_IS_PLANNED = """
    create trigger plan_look after insert or update on exporter.recheck
        for each row when (new.lease_token is null) execute function exporter.plan_look()
"""
# after the trigger, which has waited for whoever was planning: nobody plans unseen any more
COPY_WHAT_WAS_PLANNED = """
    insert into exporter.look (commitment_id, company_id, connection, due_at, lease_token, looks, told)
    select commitment_id, company_id, connection, due_at, lease_token, looks, told from exporter.recheck
"""


def upgrade() -> None:
    op.create_table(
        "look",
        sa.Column("commitment_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told", JSONB(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["commitment_id"], ["exporter.commitment.id"]),
        sa.PrimaryKeyConstraint("commitment_id", "connection"),
        schema="exporter",
    )
    op.create_index("look_due", "look", ["connection", "due_at"], schema="exporter")
    op.execute(PLAN_LOOK)
    op.execute(COPY_WHAT_IS_PLANNED)
    op.execute(COPY_WHAT_WAS_PLANNED)
    op.add_column("connection", sa.Column("formerly_until", sa.DateTime(timezone=True)), schema="exporter")
