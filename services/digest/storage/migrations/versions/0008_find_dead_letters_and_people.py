"""Find dead letters by key, and the people of a company"""

from alembic import op

from services.pipeline.migrations.kernel_0006 import find_dead_letters_by_key

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    find_dead_letters_by_key("digest")
    op.create_index("person_by_company", "person", ["company_id"], schema="digest")
