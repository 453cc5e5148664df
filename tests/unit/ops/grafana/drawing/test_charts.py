import math

from ops.grafana.drawing.charts import heat, lines
from ops.grafana.drawing.prometheus import Series

SIZE, SPAN = (400, 200), (0.0, 120.0)
RED = "#e02f44"


def series(*samples: tuple[float, float], **labels: str) -> Series:
    return Series(labels, samples)


def drawn(one: Series, *, limit: float | None = None, is_log: bool = False, is_stacked: bool = False) -> str:
    return lines([("main p99", one)], "s", SIZE, SPAN, limit, is_stacked=is_stacked, is_log=is_log)


def test_a_line_has_its_name_its_unit_and_the_size_of_its_place() -> None:
    svg = drawn(series((0, 60), (60, 90), (120, 180)))

    assert 'width="400"' in svg
    assert 'height="200"' in svg
    assert ">main p99<" in svg
    assert all(f">{text}<" in svg for text in ("0", "1 min", "2 min", "3 min"))


def test_a_limit_is_drawn_where_the_line_comes_near_it() -> None:
    assert RED in drawn(series((0, 60), (60, 90)), limit=100)
    assert RED not in drawn(series((0, 1), (60, 2)), limit=100)


def test_a_line_breaks_where_samples_are_missing() -> None:
    path = "M"
    whole, broken = series((0, 1), (30, 1), (60, 1), (90, 1)), series((0, 1), (15, 1), (60, 1), (75, 1))

    def strokes(one: Series) -> int:
        [marks] = [each for each in drawn(one).split("<path") if 'aria-roledescription="line mark"' in each]
        return marks.partition('d="')[2].partition('"')[0].count(path)

    assert (strokes(whole), strokes(broken)) == (1, 2)


def test_values_that_a_logarithm_does_not_have_are_left_out() -> None:
    assert "NaN" not in drawn(series((0, 0), (60, 10), (120, 100)), is_log=True)
    assert "NaN" not in drawn(series((0, 0), (60, 0)), is_log=True)


def test_stacked_lines_are_filled() -> None:
    assert 'aria-roledescription="area mark"' in drawn(series((0, 1), (60, 2)), is_stacked=True)
    assert 'aria-roledescription="area mark"' not in drawn(series((0, 1), (60, 2)))


def test_of_many_series_the_legend_names_those_that_are_not_always_zero() -> None:
    many = [(f"mail {number}", series((0, 0), (60, 1 if number in (3, 11) else 0))) for number in range(20)]

    def named(count: int) -> int:
        svg = lines(many[:count], "short", SIZE, SPAN, None, is_stacked=False, is_log=False)
        return sum(f">mail {number}<" in svg for number in range(20))

    assert (named(8), named(20)) == (8, 2)


def test_a_heat_map_has_a_cell_for_each_bucket_with_observations_of_its_own() -> None:
    below = [
        series((60, 2), (120, 2), le="0.1"),
        series((60, 5), (120, 2), le="1.0"),
        series((60, 5), (120, 3), le="+Inf"),
    ]

    svg = heat(below, "s", SIZE, SPAN, 60)

    cells = [each for each in svg.split("<path") if 'aria-roledescription="rect mark"' in each]
    counts = sorted(each.partition("v: ")[2].partition(";")[0].partition('"')[0] for each in cells)
    assert counts == ["1", "2", "2", "3"]
    assert all(f">{name}<" in svg for name in ("100 ms", "1 s", "more"))
    assert not math.isnan(len(svg))
