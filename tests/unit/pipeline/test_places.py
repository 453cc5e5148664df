"""One sender never has more places than there are for one, and nobody waits for somebody else's."""

import asyncio

import pytest

from services.pipeline.places import NoPlaceError, Places


async def test_a_further_request_waits_until_the_sender_has_a_place_again() -> None:
    places = Places(of_one=2, wait_seconds=10)
    await places.take("a")
    await places.take("a")
    third = asyncio.create_task(places.take("a"))
    await asyncio.sleep(0)
    assert not third.done()
    places.give_back("a")
    await third


async def test_whoever_waits_too_long_is_refused_while_others_are_not() -> None:
    places = Places(of_one=1, wait_seconds=0.01)
    async with places.lent_to("a"):
        with pytest.raises(NoPlaceError):
            await places.take("a")
        async with places.lent_to("b"):
            pass
    async with places.lent_to("a"):
        pass


async def test_nothing_is_kept_of_senders_who_have_no_places() -> None:
    places = Places(of_one=1, wait_seconds=0.01)
    async with places.lent_to("a"):
        with pytest.raises(NoPlaceError):
            await places.take("a")
        waiting = asyncio.create_task(places.take("a"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert places._asked == {}


async def test_only_some_of_one_sender_wait() -> None:
    places = Places(of_one=1, wait_seconds=5, waiting=2)
    async with places.lent_to("a"):
        waiting = [asyncio.create_task(places.take("a")) for _ in range(2)]
        await asyncio.sleep(0)
        async with asyncio.timeout(1):
            with pytest.raises(NoPlaceError):
                await places.take("a")
            await places.take("b")
    for each in waiting:
        await each
        places.give_back("a")
    await places.take("a")
