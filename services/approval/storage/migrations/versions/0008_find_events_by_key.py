"""Find events in the outbox by key"""

from services.pipeline.migrations.kernel_0004 import find_events_by_key

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    find_events_by_key("approval")
