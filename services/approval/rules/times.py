"""Times in the words of the desk, for its pages, for the API and for the command line."""

from datetime import date, datetime, timedelta

from babel.dates import format_date, format_datetime

from schemas.times import in_zone
from schemas.zones import zone_info
from services.pipeline.counting import counted
from services.pipeline.formats import LOCALE

_DATE = "MMM d, y"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNITS = ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1, "second"))


def moment(at: datetime, time_zone: str) -> str:
    """`at` in `time_zone`, for example "Nov 16, 2026, 09:02 CST"."""
    local = in_zone(at, zone_info(time_zone))
    # The zone's own abbreviation, because babel abbreviates only the zones of the locale's own country.
    return f"{format_datetime(local, f'{_DATE}, HH:mm', tzinfo=local.tzinfo, locale=LOCALE)} {local:%Z}"


def day_text(day: date) -> str:
    """`day` as in a moment, for example "Nov 16, 2026"."""
    return format_date(day, _DATE, locale=LOCALE)


def next_time(at: datetime, now: datetime, time_zone: str, does: str, should: str) -> str:
    """What is done at `at` in words: "asks again at …", or "should have asked again at …" once that is over."""
    return f"{does if at > now else should} at {moment(at, time_zone)}"


def ago(at: datetime, now: datetime) -> str:
    """How long ago `at` was, in its largest whole unit: "11 minutes ago"; never in the future."""
    seconds = int((now - at).total_seconds())
    if seconds < _MINUTE:
        return "less than a minute ago"
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    return f"{counted(seconds // size, unit)} ago"


def lateness_words(behind: timedelta) -> str:
    """How late the lists are, in the largest unit of which there are two: "Updates are 12 minutes behind. ..."."""
    seconds = int(behind.total_seconds())
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= 2 * size), _UNITS[-1])
    return f"Updates are {counted(seconds // size, unit)} behind. Newer commitments may be missing."


def every(seconds: int) -> str:
    """An interval in the largest unit that leaves no rest: "every 5 minutes", "every hour"."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"every {unit}" if seconds == size else f"every {counted(seconds // size, unit)}"


def ordinal(place: int) -> str:
    """A place in words: "1st", "2nd", "11th", "1,003rd"."""
    is_teen = place // 10 % 10 == 1
    return f"{place:,}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th')}"
