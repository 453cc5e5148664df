"""Counts begin anew after their time, and many senders cost neither memory nor time."""

import time

from limits import RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter

from services.pipeline.minute_counts import MAX_COUNTS, MinuteCounts

THREE = RateLimitItemPerMinute(3)
now = [1_000.0]


async def test_a_count_begins_anew_a_minute_after_it_began() -> None:
    limiter = FixedWindowRateLimiter(MinuteCounts(lambda: now[0]))
    assert [await limiter.hit(THREE, "a") for _ in range(4)] == [True, True, True, False]
    assert await limiter.hit(THREE, "b")
    assert (await limiter.get_window_stats(THREE, "a")).reset_time == now[0] + 60
    now[0] += 59.9
    assert not await limiter.test(THREE, "a")
    now[0] += 0.1
    assert (await limiter.get_window_stats(THREE, "a")).remaining == 3
    assert await limiter.hit(THREE, "a")


async def test_the_oldest_counts_give_way_to_new_ones() -> None:
    counts = MinuteCounts(lambda: now[0])
    for sender in range(MAX_COUNTS + 1):
        await counts.incr(str(sender), 60)
    assert await counts.get("0") == 0
    assert await counts.get("1") == await counts.get(str(MAX_COUNTS)) == 1
    assert await counts.reset() == MAX_COUNTS


async def test_a_request_takes_as_long_with_many_senders_as_with_one() -> None:
    counts = MinuteCounts()
    for sender in range(MAX_COUNTS):
        await counts.incr(str(sender), 60)
    began = time.perf_counter()
    for _ in range(1_000):
        await counts.incr("one", 60)
    assert time.perf_counter() - began < 0.5  # the library's own storage takes several seconds
