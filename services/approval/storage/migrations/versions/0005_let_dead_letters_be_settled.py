"""Let dead letters be settled"""

from services.pipeline.migrations.kernel_0003 import let_dead_letters_be_settled

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    let_dead_letters_be_settled("approval")
