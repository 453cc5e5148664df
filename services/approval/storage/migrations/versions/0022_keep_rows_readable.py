"""Keep times in the calendar, numbers finite, offsets possible, and what is read in bulk an object"""

from services.pipeline.migrations.kernel_0007 import (
    keep_numbers_finite,
    keep_objects,
    keep_offsets_possible,
    keep_times_in_calendar,
)

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    keep_times_in_calendar("approval")
    keep_numbers_finite("approval")
    keep_offsets_possible("approval")
    objects = [("commitment", "state"), ("submission", "snapshot"), ("person", "record"), ("erp_connection", "record")]
    keep_objects("approval", objects)
