"""Keep what operators decide about dead letters, events that were never sent, and offsets"""

from services.pipeline.migrations.kernel_0005 import keep_decisions_of_operators

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    keep_decisions_of_operators("notifier")
