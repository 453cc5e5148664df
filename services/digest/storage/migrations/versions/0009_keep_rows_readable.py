"""Keep times in the calendar, numbers finite, offsets possible, and what statuses tell an object"""

from services.pipeline.migrations.kernel_0007 import (
    keep_numbers_finite,
    keep_objects,
    keep_offsets_possible,
    keep_times_in_calendar,
)

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    keep_times_in_calendar("digest")
    keep_numbers_finite("digest")
    keep_offsets_possible("digest")
    keep_objects("digest", [("item", "summary")])
