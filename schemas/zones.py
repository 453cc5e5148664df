"""Time zones, which people's local dates depend on: IANA's names, and those that directories use instead."""

import re
from zoneinfo import ZoneInfo, available_timezones

from tzlocal.windows_tz import win_tz

UTC_NAME = "UTC"
_PREFIX = re.compile(r"^\((GMT|UTC)[^)]*\)\s*")
"""Of a name as people choose it from a list, for example "(GMT-06:00) Central Time (US & Canada)"."""

_PLACES = {
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Mountain Time (US & Canada)": "America/Denver",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
    "Atlantic Time (Canada)": "America/Halifax",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Newfoundland": "America/St_Johns",
    "Saskatchewan": "America/Regina",
    "Alaska": "America/Juneau",
    "Arizona": "America/Phoenix",
    "Hawaii": "Pacific/Honolulu",
    "American Samoa": "Pacific/Pago_Pago",
    "Central America": "America/Guatemala",
    "Guadalajara": "America/Mexico_City",
    "Quito": "America/Lima",
    "Brasilia": "America/Sao_Paulo",
    "Georgetown": "America/Guyana",
    "Edinburgh": "Europe/London",
    "Bern": "Europe/Zurich",
    "St. Petersburg": "Europe/Moscow",
    "Pretoria": "Africa/Johannesburg",
    "Abu Dhabi": "Asia/Dubai",
    "Islamabad": "Asia/Karachi",
    "Mumbai": "Asia/Kolkata",
    "Chennai": "Asia/Kolkata",
    "New Delhi": "Asia/Kolkata",
    "Hanoi": "Asia/Bangkok",
    "Beijing": "Asia/Shanghai",
    "Osaka": "Asia/Tokyo",
    "Sapporo": "Asia/Tokyo",
    "Wellington": "Pacific/Auckland",
    "Samoa": "Pacific/Apia",
    "Buenos Aires": "America/Argentina/Buenos_Aires",
    "Greenland": "America/Nuuk",
    "Mid-Atlantic": "Atlantic/South_Georgia",
    "Cape Verde Is.": "Atlantic/Cape_Verde",
    "West Central Africa": "Africa/Algiers",
    "Sri Jayawardenepura": "Asia/Colombo",
    "Ekaterinburg": "Asia/Yekaterinburg",
    "International Date Line West": "Pacific/Midway",
    "Midway Island": "Pacific/Midway",
    "Marshall Is.": "Pacific/Majuro",
    "New Caledonia": "Pacific/Noumea",
    "Solomon Is.": "Pacific/Guadalcanal",
    "Tokelau Is.": "Pacific/Fakaofo",
    "Chatham Is.": "Pacific/Chatham",
    "Nuku'alofa": "Pacific/Tongatapu",
}
"""Names that directories built with Ruby on Rails use, as far as they are no city of IANA's."""

_REGIONS = frozenset({"Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"})
_NO_CITIES = frozenset({"ACT", "LHI", "NSW", "North", "South", "Victoria", "West"})
"""Parts of Australia in names that IANA keeps for old systems."""
_NO_ZONES = frozenset({"Factory", "localtime"})
"""Names of the time of a computer, whichever it has."""
_ZONES = frozenset(available_timezones()) - _NO_ZONES


def _cities() -> dict[str, str]:
    """The zone of each city that only one zone is named after, by the city's name in lower case."""
    found: dict[str, set[str]] = {}
    for zone in _ZONES:
        region, _, city = zone.rpartition("/")
        if region.partition("/")[0] in _REGIONS and city not in _NO_CITIES:
            found.setdefault(city.replace("_", " ").lower(), set()).add(zone)
    return {city: zones.pop() for city, zones in found.items() if len(zones) == 1}


_BY_NAME = (
    _cities()
    | {name.lower(): zone for name, zone in win_tz.items() if zone in _ZONES}
    | {name.lower(): zone for name, zone in _PLACES.items()}
    | {zone.lower(): zone for zone in _ZONES}
)


def zone_named(name: str) -> str | None:
    """IANA's name of the zone that IANA, Windows, Rails or the name of its city calls `name`; None if nobody does."""
    return name if name in _ZONES else _BY_NAME.get(_PREFIX.sub("", name.strip()).lower())


def zone_info(name: str) -> ZoneInfo:
    """The zone `name`; UTC where there is none, as when an old record names one that has been given up."""
    return ZoneInfo(zone_named(name) or UTC_NAME)


def known_zone(name: str) -> str:
    """IANA's name of the zone `name`; ValueError where there is none."""
    zone = zone_named(name)
    if zone is None:
        raise ValueError("is not the name of a time zone")
    return zone
