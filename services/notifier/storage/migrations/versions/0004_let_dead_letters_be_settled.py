"""Let dead letters be settled"""

from services.pipeline.migrations.kernel_0003 import let_dead_letters_be_settled

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    let_dead_letters_be_settled("notifier")
