"""Long computations keep nobody waiting."""

import asyncio
import time

import pytest

from services.pipeline.apart import apart


async def test_the_event_loop_runs_on_meanwhile() -> None:
    computing = asyncio.ensure_future(apart(lambda: time.sleep(0.2)))
    turns = 0
    while not computing.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 2


async def test_its_error_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        await apart(lambda: 1 / 0)
