"""What the provider published is kept: asked for again after a while, sooner after a failure, and never in a rush."""

import asyncio

import pytest

from services.approval.identity.sign_in.errors import ProviderUnavailableError
from services.approval.identity.sign_in.kept import FIRST_RETRY_SECONDS, LIFETIME_SECONDS, RETRY_SECONDS, Kept


class Source:
    """Gives its `answer`, or fails while that is None, and counts how often it is asked."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.asked = 0
        self.now = 1000.0
        self.kept = Kept(self.fetch, lambda: self.now)

    async def fetch(self) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        if self.answer is None:
            raise ProviderUnavailableError("No answer.")
        return self.answer


async def test_an_answer_is_asked_for_again_after_its_life() -> None:
    source = Source("first")
    assert [await source.kept.get() for _ in range(3)] == ["first"] * 3
    source.answer, source.now = "second", source.now + LIFETIME_SECONDS
    assert [await source.kept.get() for _ in range(3)] == ["second"] * 3
    assert source.asked == 2


async def test_a_newer_answer_is_asked_for_at_the_rate_of_whoever_wants_one() -> None:
    source = Source("first")
    await source.kept.get()
    source.answer, source.now = "second", source.now + 59
    assert await source.kept.get(60) == "first"
    source.now += 1
    assert await source.kept.get(60) == "second"


async def test_a_failure_leaves_the_known_answer_and_is_asked_about_again_after_a_minute() -> None:
    source = Source("first")
    await source.kept.get()
    source.answer, source.now = None, source.now + LIFETIME_SECONDS
    assert [await source.kept.get() for _ in range(3)] == ["first"] * 3
    assert source.asked == 2
    source.answer, source.now = "second", source.now + RETRY_SECONDS
    assert await source.kept.get() == "second"


async def test_while_nothing_is_known_failures_are_asked_about_soon_but_not_by_everybody() -> None:
    source = Source(None)
    asking = await asyncio.gather(*(source.kept.get() for _ in range(20)), return_exceptions=True)
    assert {str(each) for each in asking} == {"No answer."}
    assert source.asked == 1
    source.answer, source.now = "first", source.now + FIRST_RETRY_SECONDS
    assert await source.kept.get() == "first"


async def test_whoever_gives_up_waiting_does_not_spoil_it_for_the_others() -> None:
    source = Source("first")
    impatient, patient = asyncio.ensure_future(source.kept.get()), asyncio.ensure_future(source.kept.get())
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await patient == "first"


async def test_while_a_newer_answer_is_asked_for_whoever_needs_none_gets_the_known_one() -> None:
    source = Source("first")
    await source.kept.get()
    source.answer, source.now = "second", source.now + 60
    asking = asyncio.create_task(source.kept.get(60))
    await asyncio.sleep(0)
    assert await source.kept.get() == "first"
    assert not asking.done()
    assert await asking == "second"
