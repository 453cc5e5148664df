"""How long a server asks us to wait."""

from datetime import UTC, datetime

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.exporter.connectors.http_response import find_answer, write_answer
from services.exporter.connectors.retry_after import MAX_RETRY_AFTER_SECONDS, retry_after_seconds
from services.exporter.connectors.types import Transient

NOW = datetime(2026, 11, 28, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["7"], 7.0),
        ("120", 120.0),
        ("7, 60", 60.0),
        ("Sat, 28 Nov 2026 17:01:00 GMT", 60.0),
        ("", 0.0),
        ([" 7 "], 7.0),
        (["1.5"], 1.5),
        (["0"], 0.0),
        (["-7"], 0.0),
        (["9" * 400], MAX_RETRY_AFTER_SECONDS),
        (["999999"], MAX_RETRY_AFTER_SECONDS),
        (["٣"], 0.0),
        (["²"], 0.0),
        (["nan"], 0.0),
        (["inf"], 0.0),
        (["1e3"], 0.0),
        ([""], 0.0),
        (["soon"], 0.0),
        ([], 0.0),
        (["Sat, 28 Nov 2026 17:01:00 GMT"], 60.0),
        (["Saturday, 28-Nov-26 17:01:00 GMT"], 60.0),
        (["Sat Nov 28 17:01:00 2026"], 60.0),
        (["Sat, 28 Nov 2026 17:01:00 -0000"], 60.0),
        (["Sat, 28 Nov 2026 17:01:00"], 60.0),
        (["Sat, 28 Nov 2026 18:01:00 +0100"], 60.0),
        (["Sat, 28 Nov 2026 16:59:00 GMT"], 0.0),
        (["Fri, 31 Dec 2999 23:59:59 GMT"], MAX_RETRY_AFTER_SECONDS),
        (["Mon, 99 Nov 2026 10:00:00 GMT"], 0.0),
        (["Fri, 31 Dec 9999 23:59:59 -2359"], MAX_RETRY_AFTER_SECONDS),
        (["7", "30"], 30.0),
        (["7, 30"], 30.0),
        (["soon", "7"], 7.0),
        (["Sat, 28 Nov 2026 17:01:00 GMT", "7"], 60.0),
    ],
)
def test_every_form_of_the_header_is_read(values: list[str], seconds: float) -> None:
    assert retry_after_seconds(values, NOW) == seconds


_PARTS = st.sampled_from(
    ["Sat", "Saturday", ", ", "28", "-Nov-", " Nov ", "2026", "26", " 17:01:00", ":", "+", "-", "0000", "GMT", "9" * 30]
)
_VALUES = st.one_of(st.text(), st.lists(_PARTS, max_size=12).map("".join))


@settings(deadline=None)
@given(st.lists(_VALUES, max_size=4))
@example(["Sat Nov 28 17:01:00 2026"])
@example(["Sat, 28 Nov 2026 17:01:00 -0000"])
def test_whatever_the_header_says_the_wait_is_within_its_bounds(values: list[str]) -> None:
    assert 0.0 <= retry_after_seconds(values, NOW) <= MAX_RETRY_AFTER_SECONDS


@settings(deadline=None)
@given(st.sampled_from([429, 503]), st.lists(st.binary(), min_size=1, max_size=3))
@example(429, [b"Sat Nov 28 17:01:00 2026"])
@example(503, [b"Sat, 28 Nov 2026 17:01:00 -0000"])
def test_whatever_the_header_says_the_call_is_tried_again(status: int, values: list[bytes]) -> None:
    response = httpx2.Response(status, headers=[(b"Retry-After", value) for value in values])

    for answer in (write_answer(response), find_answer(response, "c-1")):
        assert isinstance(answer, Transient)
        assert 0.0 <= answer.retry_after_seconds <= MAX_RETRY_AFTER_SECONDS
