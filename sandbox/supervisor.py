"""Starts processes of the demo again that end by themselves, and says which and why, as a supervisor would."""

import asyncio
import signal
from collections.abc import Callable, Iterable
from time import monotonic

from sandbox.servers.local_server import LocalServer, ServerStartFailed

WATCH_SECONDS = 0.5
MAX_ENDS = 3
STEADY_SECONDS = 60.0
"""A process that has run for so long may fail as often as a new one."""

Say = Callable[[str], None]


async def keep_running(processes: Iterable[LocalServer], say: Say) -> None:
    """Start each of `processes` again that ends by itself; return when all have ended too often in a row."""
    await asyncio.gather(*(_keep_running(process, say) for process in processes))


async def _keep_running(process: LocalServer, say: Say) -> None:
    ends = 0
    while ends < MAX_ENDS:
        began = monotonic()
        await _end_of(process)
        ends = 1 if monotonic() - began > STEADY_SECONDS else ends + 1
        say(f"{process.name} {_how_it_ended(process)}")
        if ends < MAX_ENDS:
            await _start_again(process, say)
    say(f"{process.name} has ended {ends} times in a row and is not started again. Its log: {process.log}")


async def _end_of(process: LocalServer) -> None:
    while not process.has_ended:  # noqa: ASYNC110 - the end of a process sets no event
        await asyncio.sleep(WATCH_SECONDS)


async def _start_again(process: LocalServer, say: Say) -> None:
    starting = asyncio.create_task(asyncio.to_thread(process.restart))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        # a thread cannot be cancelled: wait until it has started, so that it can be stopped
        await asyncio.wait({starting})
        raise
    except ServerStartFailed as error:
        say(str(error))
        process.launch()  # so that its end counts
    else:
        say(f"{process.name} runs again as process {process.pid}")


def _how_it_ended(process: LocalServer) -> str:
    """Return how the process ended; what it said last is the cause only if nobody else ended it."""
    status = process.exit_status or 0
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    lines = process.latest_log.splitlines()
    return f"has ended with exit status {status}: {lines[-1] if lines else 'its log is empty'}"
