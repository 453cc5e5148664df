"""What holds the event loop is noted with about its length; a loop with nothing to do is not held."""

import asyncio
import time

from prometheus_client import REGISTRY

from services.pipeline.held_loop import LOOK_SECONDS, watch_loop
from tests.waiting import eventually


def held_for_more_than(seconds: float, service: str) -> float:
    looks = REGISTRY.get_sample_value("loop_held_seconds_count", {"service": service}) or 0.0
    short = (
        REGISTRY.get_sample_value("loop_held_seconds_bucket", {"service": service, "le": str(float(seconds))}) or 0.0
    )
    return looks - short


async def test_a_hold_is_noted(unique_suffix: str) -> None:
    stopping = asyncio.Event()
    watching = asyncio.create_task(watch_loop(unique_suffix, stopping))
    await asyncio.sleep(LOOK_SECONDS / 2)
    time.sleep(0.7)  # noqa: ASYNC251 - what must not happen
    await eventually(lambda: held_for_more_than(0.5, unique_suffix) >= 1)
    stopping.set()
    await watching


async def test_waiting_holds_nothing(unique_suffix: str) -> None:
    stopping = asyncio.Event()
    watching = asyncio.create_task(watch_loop(unique_suffix, stopping))
    await asyncio.sleep(5 * LOOK_SECONDS)
    stopping.set()
    await watching
    assert held_for_more_than(10, unique_suffix) == 0
    assert (REGISTRY.get_sample_value("loop_held_seconds_count", {"service": unique_suffix}) or 0) >= 1
