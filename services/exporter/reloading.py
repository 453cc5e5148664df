"""Reads the file of ERP connections again when an operator asks for it, without losing a call or an export."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from services.exporter import metrics
from services.exporter.connections import Connections, load_connections
from services.pipeline.database import DATABASE_ERRORS
from services.pipeline.errors import SettingsError
from services.pipeline.logs import FailureLog

log = structlog.get_logger()


class Reloading:
    """Replaces `connections` by those in the file `path`; a file that cannot be used changes nothing."""

    def __init__(
        self,
        connections: Connections,
        path: Path,
        environ: Mapping[str, str],
        on_reloaded: Callable[[], Awaitable[None]],
    ) -> None:
        self._connections = connections
        self._path = path
        self._environ = environ
        self._on_reloaded = on_reloaded
        self._is_asked = asyncio.Event()
        self._failures = FailureLog()

    def ask(self) -> None:
        """Reload soon; asked while a reload is under way, once more after it."""
        self._is_asked.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Reload whenever somebody asks, until `stopping` is set."""
        stopped = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                asked = asyncio.create_task(self._is_asked.wait())
                await asyncio.wait((asked, stopped), return_when=asyncio.FIRST_COMPLETED)
                asked.cancel()
                if self._is_asked.is_set():
                    self._is_asked.clear()
                    await self.reload()
        finally:
            stopped.cancel()

    async def reload(self) -> None:
        """Use the file as it is now; if it is wrong, say so in the log and keep what was read before."""
        try:
            read = await asyncio.to_thread(load_connections, self._path, self._environ)
        except SettingsError as error:
            log.error("connections.not_reloaded", cause=str(error))  # noqa: TRY400 - an operator's error, not ours
            _count(is_read=False)
            return
        except Exception as error:  # noqa: BLE001 - a connector is somebody else's code, and must not end the service
            self._failures.defect("connections.not_reloaded", error)
            _count(is_read=False)
            return
        await self._connections.replace(read.by_name)
        _count(is_read=True)
        log.info("connections.reloaded", connections=list(read.by_name))
        try:
            await self._on_reloaded()
        except DATABASE_ERRORS as error:  # the periodic report does the same a little later
            self._failures.expected("connections.not_announced", error)


def _count(*, is_read: bool) -> None:
    metrics.CONNECTIONS_RELOADED.labels("reloaded" if is_read else "failed").inc()
    metrics.CONNECTIONS_OUTDATED.set(not is_read)
