"""A second member of each service, for faults that hit one of two."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from sandbox.service_process import ServiceProcess
from sandbox.world import World


@asynccontextmanager
async def second_processes(world: World, services: Collection[str]) -> AsyncIterator[dict[str, ServiceProcess]]:
    """Run a second process of each of `services` while the block runs."""
    second = {name: ServiceProcess(name, world.environment) for name in services}
    try:
        await asyncio.gather(*(asyncio.to_thread(process.start) for process in second.values()))
        yield second
    finally:
        await asyncio.gather(*(asyncio.to_thread(process.close) for process in second.values()))
