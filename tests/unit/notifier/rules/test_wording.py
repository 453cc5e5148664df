"""How times, names and texts are formatted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.rules.wording import days, first_name, lines_of, moment, one_line
from tests.unit.notifier.event_builders import NOW


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line == " ".join(line.split())
    assert one_line(line) == line


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_line_is_cut_at_its_limit(text: str, limit: int) -> None:
    assert len(one_line(text, limit)) <= limit


def test_direction_controls_are_removed() -> None:
    assert one_line("invoice\u202efdp.exe") == "invoicefdp.exe"


def test_blank_lines_are_removed() -> None:
    assert lines_of("Line 3 is closed.\r\n\r\n  Use   03-310.\n") == ("Line 3 is closed.", "Use 03-310.")


@pytest.mark.parametrize(("count", "expected"), [(0, "today"), (1, "1 day"), (1200, "1,200 days")])
def test_days_are_written_in_words(count: int, expected: str) -> None:
    assert days(count) == expected


def test_a_moment_is_shown_in_the_readers_time_zone() -> None:
    assert moment(NOW, "America/Chicago") == "Sunday, November 22, 2026, 06:00 CST"


@pytest.mark.parametrize(("name", "expected"), [("Sam Lee", "Sam"), ("Lee, Sam", "Lee"), ("石", "石")])
def test_the_first_name_is_the_first_word(name: str, expected: str) -> None:
    assert first_name(name) == expected
