"""Formats times, names and texts from events for mails."""

from datetime import datetime

from babel.dates import format_datetime

from schemas.times import in_zone
from schemas.zones import zone_info
from services.pipeline.formats import LOCALE
from services.pipeline.legible import legible


def one_line(text: str, max_characters: int | None = None) -> str:
    """`text` on one line: white space collapsed, hidden characters removed, shortened with an ellipsis if too long."""
    line = " ".join(legible(text).split())
    if max_characters is None or len(line) <= max_characters:
        return line
    return line[: max_characters - 1].rstrip() + "…"


def lines_of(text: str) -> tuple[str, ...]:
    """The lines of `text` that are not blank, each cleaned by `one_line`."""
    return tuple(line for line in map(one_line, text.splitlines()) if line)


def moment(at: datetime, time_zone: str) -> str:
    """`at` in `time_zone`, for example "Sunday, November 22, 2026, 06:00 CST"."""
    zone = zone_info(time_zone)
    return format_datetime(in_zone(at, zone), "EEEE, MMMM d, y, HH:mm z", tzinfo=zone, locale=LOCALE)


def days(count: int) -> str:
    """A number of days in words: "today", "1 day", "1,200 days"."""
    if count == 0:
        return "today"
    return "1 day" if count == 1 else f"{count:,} days"


def first_name(name: str) -> str:
    """The first word of the name, without a trailing comma."""
    return one_line(name).split(" ")[0].rstrip(",;")
