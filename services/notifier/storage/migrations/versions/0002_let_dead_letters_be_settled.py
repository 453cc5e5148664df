"""Let dead letters be settled"""

from services.pipeline.migrations.kernel_0002 import let_dead_letters_be_settled

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    let_dead_letters_be_settled("notifier")
