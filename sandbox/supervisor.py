"""Starts services of the demo again that end by themselves, and says which and why, as a supervisor would."""

import asyncio
import signal
from collections.abc import Callable, Iterable
from time import monotonic

from sandbox.servers import ServerStartFailed
from sandbox.service_process import ServiceProcess

WATCH_SECONDS = 0.5
MAX_ENDS = 3
STEADY_SECONDS = 60.0
"""A service that has run for so long may fail as often as a new one."""

Say = Callable[[str], None]


async def keep_running(services: Iterable[ServiceProcess], say: Say) -> None:
    """Start each of `services` again that ends by itself; return when all have ended too often in a row."""
    await asyncio.gather(*(_keep_running(service, say) for service in services))


async def _keep_running(service: ServiceProcess, say: Say) -> None:
    ends = 0
    while ends < MAX_ENDS:
        began = monotonic()
        await _end_of(service)
        ends = 1 if monotonic() - began > STEADY_SECONDS else ends + 1
        say(f"{service.name} {_how_it_ended(service)}")
        if ends < MAX_ENDS:
            await _start_again(service, say)
    say(f"{service.name} has ended {ends} times in a row and is not started again. Its log: {service.log}")


async def _end_of(service: ServiceProcess) -> None:
    while not service.has_ended:  # noqa: ASYNC110 - the end of a process sets no event
        await asyncio.sleep(WATCH_SECONDS)


async def _start_again(service: ServiceProcess, say: Say) -> None:
    starting = asyncio.create_task(asyncio.to_thread(service.restart))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        # a thread cannot be cancelled: wait until the service has started, so that it can be stopped
        await asyncio.wait({starting})
        raise
    except ServerStartFailed as error:
        say(str(error))
        service.launch()  # so that its end counts
    else:
        say(f"{service.name} runs again as process {service.pid}")


def _how_it_ended(service: ServiceProcess) -> str:
    """Return how the process ended; what it said last is the cause only if nobody else ended it."""
    status = service.exit_status or 0
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    lines = service.latest_log.splitlines()
    return f"has ended by itself with exit status {status}: {lines[-1] if lines else 'its log is empty'}"
