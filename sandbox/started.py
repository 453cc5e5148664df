"""Starts a server in a thread, and stops it in a thread when the world around it ends."""

import asyncio
from contextlib import AsyncExitStack
from typing import TypeVar

from sandbox.servers.local_server import LocalServer

ServerT = TypeVar("ServerT", bound=LocalServer)


async def started(stack: AsyncExitStack, server: ServerT) -> ServerT:
    """Start `server`, return it, and let `stack` close it."""
    stack.push_async_callback(asyncio.to_thread, server.close)
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        # a thread cannot be cancelled: wait until the server has started, so that it can be stopped
        await asyncio.wait({starting})
        raise
    return server
