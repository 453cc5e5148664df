"""Time zone names of the IANA database, which people's local dates depend on."""

from zoneinfo import available_timezones

_ZONES = frozenset(available_timezones())


def known_zone(name: str) -> str:
    """`name` itself; ValueError where the IANA database has no such zone."""
    if name not in _ZONES:
        raise ValueError("is not an IANA time zone name")
    return name
