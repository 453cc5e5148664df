"""Options that say when, and which."""

from datetime import UTC, datetime, timedelta

import click
import pytest

from services.commands.options import Age, InstantOrAge, filter_of
from services.pipeline.row_filter import RowFilter


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("3d", 259_200), ("0s", 0)])
def test_an_age_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert Age().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "-1m", "1w", "1.5h", "٣m", "999999d"])
def test_anything_else_is_no_age(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not an age such as"):
        Age().convert(text, None, None)


def test_an_instant_may_be_said_as_how_long_ago_it_was() -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert abs(InstantOrAge().convert("1h", None, None) - hour_ago) < timedelta(minutes=1)
    given = InstantOrAge().convert("2026-11-22T06:00:00-06:00", None, None)
    assert given == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_an_instant_without_an_offset_is_refused_here_too() -> None:
    with pytest.raises(click.BadParameter, match="the offset is needed"):
        InstantOrAge().convert("2026-11-22T06:00:00", None, None)


def test_what_is_not_given_filters_nothing() -> None:
    assert filter_of({"topic": None, "since": None}) == RowFilter()


def test_a_span_without_time_is_wrong_usage() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    with pytest.raises(click.UsageError, match="--since is not before --until"):
        filter_of({"since": at, "until": at})
