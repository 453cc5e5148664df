import pytest

from ops.grafana.drawing.units import written


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0"),
        (0.0004, "s", "400 µs"),
        (0.25, "s", "250 ms"),
        (90, "s", "1.5 min"),
        (7_200, "s", "2 h"),
        (172_800, "s", "2 d"),
        (1_209_600, "s", "2 wk"),
        (200 * 2**20, "bytes", "200 MiB"),
        (0.05, "percentunit", "5%"),
        (0.2, "cps", "0.2/s"),
        (12, "short", "12"),
        (1_500, "short", "1.5 K"),
        (1_000_000, "short", "1 Mil"),
        (12_345_000_000, "short", "12,345 Mil"),
    ],
)
def test_values_are_written_as_people_read_them(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(KeyError):
        written(1, "furlongs")
