"""Keep times in the calendar, numbers finite, offsets possible, and what connections tell an object"""

from services.pipeline.migrations.kernel_0007 import (
    keep_numbers_finite,
    keep_objects,
    keep_offsets_possible,
    keep_times_in_calendar,
)

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    keep_times_in_calendar("exporter")
    keep_numbers_finite("exporter")
    keep_offsets_possible("exporter")
    keep_objects("exporter", [("connection", "told")])
