"""What is made beside the event loop is made once, also for several that ask at the same time."""

import asyncio
import threading

from services.pipeline.made_apart import MadeApart


async def test_it_is_made_once_in_another_thread() -> None:
    threads: list[int] = []

    def make() -> list[int]:
        threads.append(threading.get_ident())
        return threads

    kept = MadeApart(make)
    assert kept.made is None
    first, second = await asyncio.gather(kept.get(), kept.get())
    assert first is second is kept.made
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
