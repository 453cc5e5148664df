"""Formats times, names and texts from events for mails."""

import unicodedata
from datetime import datetime

from babel.dates import format_datetime

from schemas.times import in_zone
from schemas.zones import zone_info
from services.pipeline.formats import LOCALE

_DIRECTION_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str, max_characters: int | None = None) -> str:
    """`text` on one line: white space collapsed, control characters removed, shortened with an ellipsis if too long."""
    line = " ".join("".join(filter(_is_readable, text)).split())
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


def _is_readable(character: str) -> bool:
    """Whether `character` may appear in a mail; direction controls could disguise the text after them."""
    is_control = unicodedata.category(character) in {"Cc", "Cs"} and not character.isspace()
    return not is_control and character not in _DIRECTION_CONTROLS
