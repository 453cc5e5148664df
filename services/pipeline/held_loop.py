"""Measures for how long the event loop comes to nothing else: one that is held keeps every request waiting."""

import asyncio

from services.pipeline import metrics
from services.pipeline.periodic import is_set_within

LOOK_SECONDS = 0.1
"""How often it is looked. A hold is noticed from when the next look is due: on average without its first 50 ms."""


async def watch_loop(service: str, stopping: asyncio.Event) -> None:
    """Note until `stopping` is set by how much the loop is late for each look."""
    held, loop = metrics.LOOP_HELD_SECONDS.labels(service), asyncio.get_running_loop()
    is_stopping = stopping.is_set()
    while not is_stopping:
        due_at = loop.time() + LOOK_SECONDS
        is_stopping = await is_set_within(stopping, LOOK_SECONDS)
        if not is_stopping:
            held.observe(max(loop.time() - due_at, 0.0))
