"""Find dead letters by key"""

from services.pipeline.migrations.kernel_0005 import find_dead_letters_by_key

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    find_dead_letters_by_key("digest")
