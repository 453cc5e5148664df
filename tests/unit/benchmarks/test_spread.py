"""Percentiles and spreads are what their names say."""

import pytest

from benchmarks.spread import Spread, percentile


def test_a_spread_has_the_median_and_both_ends() -> None:
    assert Spread.of([5, 1, 3]) == Spread(median=3, low=1, high=5)


@pytest.mark.parametrize(("percent", "expected"), [(0.5, 1), (50, 50), (95, 95), (99, 99), (100, 100)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: int) -> None:
    assert percentile(range(1, 101), percent) == expected


def test_every_percentile_of_one_value_is_that_value() -> None:
    assert [percentile([7], percent) for percent in (50, 99)] == [7, 7]
