"""Runs blocking work in a thread of its own, and coroutines for that thread in the event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def run_in_thread(work: Callable[[], None], name: str) -> None:
    """Run `work` in a thread that does not keep the process from ending, as those of asyncio's executor would."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end(error: BaseException | None) -> None:
        if ended.done():
            return
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def run() -> None:
        failure: BaseException | None = None
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - whatever ends the thread is raised in the event loop
            failure = error
        with suppress(RuntimeError):  # the event loop has ended before
            loop.call_soon_threadsafe(end, failure)

    threading.Thread(target=run, name=name, daemon=True).start()
    await ended


def start_in_loop(work: Awaitable[T], loop: asyncio.AbstractEventLoop) -> "Future[T]":
    """Start `work` in the event loop from another thread."""

    async def awaited() -> T:
        return await work

    return asyncio.run_coroutine_threadsafe(awaited(), loop)
