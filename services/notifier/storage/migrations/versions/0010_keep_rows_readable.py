"""Keep times in the calendar, numbers finite, offsets possible"""

from services.pipeline.migrations.kernel_0007 import (
    keep_numbers_finite,
    keep_offsets_possible,
    keep_times_in_calendar,
)

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    keep_times_in_calendar("notifier")
    keep_numbers_finite("notifier")
    keep_offsets_possible("notifier")
