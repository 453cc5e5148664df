"""Time zones are understood by the names that directories use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.zones import known_zone, zone_info, zone_named


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("America/Chicago", "America/Chicago"),
        ("america/chicago", "America/Chicago"),
        ("US/Central", "US/Central"),
        ("UTC", "UTC"),
        ("Central Standard Time", "America/Chicago"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Central Time (US & Canada)", "America/Chicago"),
        ("(GMT-06:00) Central Time (US & Canada)", "America/Chicago"),
        ("(UTC+01:00) Zurich", "Europe/Zurich"),
        (" Mexico City ", "America/Mexico_City"),
        ("Buenos Aires", "America/Argentina/Buenos_Aires"),
        ("Samoa", "Pacific/Apia"),
    ],
)
def test_a_zone_has_several_names(name: str, zone: str) -> None:
    assert zone_named(name) == zone


@pytest.mark.parametrize(
    "name", ["", "Central", "West", "Mars/Olympus Mons", "CST6", "-06:00", "../etc/passwd", "localtime", "Factory"]
)
def test_what_names_no_zone_is_utc(name: str) -> None:
    assert zone_named(name) is None
    assert zone_info(name).key == "UTC"
    with pytest.raises(ValueError, match="is not the name of a time zone"):
        known_zone(name)


@given(st.text())
def test_any_text_names_a_zone_or_none(name: str) -> None:
    assert zone_info(name).key == (zone_named(name) or "UTC")
