"""Find events in the outbox by key"""

from services.pipeline.migrations.kernel_0004 import find_events_by_key

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    find_events_by_key("notifier")
