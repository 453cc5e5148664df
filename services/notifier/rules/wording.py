"""How times and people's own words read in a mail."""

import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from services.pipeline.formats import LOCALE

_DIRECTION_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str, max_characters: int | None = None) -> str:
    """`text` on one line: white space collapsed, control characters gone, cut with an ellipsis where it is too long."""
    line = " ".join("".join(filter(_is_readable, text)).split())
    if max_characters is None or len(line) <= max_characters:
        return line
    return line[: max_characters - 1].rstrip() + "…"


def lines_of(text: str) -> tuple[str, ...]:
    """The lines of `text` that say something, each as `one_line` gives it."""
    return tuple(line for line in map(one_line, text.splitlines()) if line)


def moment(at: datetime, time_zone: str) -> str:
    """`at` on the clock of `time_zone`, for example "Sunday, November 22, 2026, 06:00 CST"."""
    return format_datetime(at, "EEEE, MMMM d, y, HH:mm z", tzinfo=ZoneInfo(time_zone), locale=LOCALE)


def days(count: int) -> str:
    """A span of whole days in words."""
    if count == 0:
        return "today"
    return "1 day" if count == 1 else f"{count:,} days"


def first_name(name: str) -> str:
    """The word by which colleagues call the person."""
    return one_line(name).split(" ")[0].rstrip(",;")


def _is_readable(character: str) -> bool:
    """Whether `character` is white space or shows as itself; direction controls could disguise what follows."""
    is_control = unicodedata.category(character) in {"Cc", "Cs"} and not character.isspace()
    return not is_control and character not in _DIRECTION_CONTROLS
