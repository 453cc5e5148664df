"""A proxy in front of a real server that passes every request on, and loses the answers that a test wants lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class LosingProxy:
    """Forwards to the server at `target`; resets the connection instead of answering `loses`, such as POST."""

    target: str
    url: str = ""
    loses: str | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the client over one of its own to the server."""
        address = urlsplit(self.target)
        answers, requests = await asyncio.open_connection(address.hostname, address.port)
        answering = asyncio.ensure_future(self._answer(answers, writer))
        self._is_lost = False
        try:
            while chunk := await reader.read(65_536):
                self._is_lost = self._is_lost or (self.loses is not None and chunk.startswith(self.loses.encode()))
                requests.write(chunk)
        except ConnectionError:
            pass
        finally:
            requests.close()
            answering.cancel()

    async def _answer(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await answers.read(65_536):
            if self._is_lost:  # the server has answered, so that it has done what was asked
                writer.transport.abort()
                return
            writer.write(chunk)
        writer.close()


@asynccontextmanager
async def losing_proxy(target: str) -> AsyncIterator[LosingProxy]:
    """Run a LosingProxy on a free port of the loopback interface."""
    proxy = LosingProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
