"""Requests are counted by who sends them, and the response says what is left."""

import pytest
from starlette.requests import Request

from services.approval.identity.request_limits import RequestLimits, rate_limit_headers
from services.approval.identity.sign_in.errors import TooManyRequestsError
from tests.integration.approval.desk import settings


def request(address: str = "203.0.113.7") -> Request:
    return Request({"type": "http", "headers": [], "client": (address, 1)})


def limits(**per_minute: int) -> RequestLimits:
    return RequestLimits(settings("postgresql://unused").model_copy(update=per_minute))


async def test_each_person_has_an_own_count() -> None:
    counting = limits(commands_per_minute=2)
    for person in ("person-5", "person-6"):
        await counting.count_command(request(), person, 2)
        with pytest.raises(TooManyRequestsError) as refused:
            await counting.count_command(request(), person)
        assert 1 <= refused.value.retry_after_seconds <= 60


async def test_each_address_has_an_own_count() -> None:
    counting = limits(api_requests_per_address_per_minute=1)
    for address in ("203.0.113.7", "203.0.113.8"):
        await counting.count_address(request(address))
        with pytest.raises(TooManyRequestsError):
            await counting.count_address(request(address))


async def test_the_response_says_what_is_left_of_each_limit_that_counted() -> None:
    counting, sent = limits(api_requests_per_minute=10, api_requests_per_address_per_minute=20), request()

    await counting.count_address(sent)
    await counting.count_request(sent, "person-5")

    told = rate_limit_headers(sent)
    assert told["ratelimit-policy"] == '"address";q=20;w=60, "person";q=10;w=60'
    assert [each.partition(";t=")[0] for each in told["ratelimit"].split(", ")] == ['"address";r=19', '"person";r=9']


def test_a_request_that_was_not_counted_gets_no_such_headers() -> None:
    assert rate_limit_headers(request()) == {}


async def test_an_office_of_a_hundred_people_behind_one_address_signs_in_at_once_and_works_fast() -> None:
    """Each opens a page, signs in with three requests and gives an answer a second, which is a form and a page."""
    counting, people = limits(), [f"person-{n}" for n in range(100)]
    for _ in people:
        await counting.count_sign_in(request())
        await counting.count_sign_in_end(request())
        for _ in range(4):
            await counting.count_stranger(request())
    for person in people:
        for _ in range(2 * 60 + 4):
            await counting.count_desk_address(request())
            await counting.count_desk_request(person)
