"""Runs a service: consumer, relay, workers, loops and HTTP side by side, until a signal, then drains in order."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Timer
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI

from services.pipeline import metrics
from services.pipeline.aggregate import Aggregate
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.broker import BatchConsumer, EventProducer
from services.pipeline.crash import refuse_outside_sandbox
from services.pipeline.database import Database
from services.pipeline.dead_letters import DeadLetters
from services.pipeline.errors import SettingsError
from services.pipeline.http import Server, add_operations, listen, new_app
from services.pipeline.lease import Lease
from services.pipeline.logs import configure_logs
from services.pipeline.offsets import Offsets
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import Loop, every
from services.pipeline.records import Batch
from services.pipeline.relay import LEASE_SECONDS, Relay
from services.pipeline.settings import ServiceSettings
from services.pipeline.tables import KernelTables
from services.pipeline.worker import Worker

DRAIN_SECONDS = 10.0
GAUGES_SECONDS = 5.0
LIVE_SECONDS = 60.0
RELAY_DRAIN_SECONDS = 1.5
CLOSE_SECONDS = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The parts of one service, put together by its `__main__`."""

    name: str
    tables: KernelTables
    database: Database
    outbox: Outbox
    aggregates: Sequence[Aggregate] = ()
    workers: Sequence[Worker[Any, Any]] = ()
    loops: Sequence[Loop] = ()
    closers: Sequence[Callable[[], Awaitable[None]]] = ()
    """Called after the drain, to give back what the service holds open."""
    app: FastAPI = field(default_factory=lambda: new_app("Countersign"))
    is_ready: Callable[[], bool] = lambda: True


def run_service(build: Callable[[], tuple[Service, ServiceSettings]]) -> int:
    """Run the service that `build` makes until SIGTERM or SIGINT; return 0 after a drain, 1 after a failure."""

    async def main() -> None:
        refuse_outside_sandbox()
        service, settings = build()
        configure_logs(settings.log_format, service.name)
        log.info("service.starting", **settings.model_dump(mode="json"))
        await Runtime(service, settings).run()

    _spare_collector()
    try:
        asyncio.run(main())
    except (OSError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except ExceptionGroup:
        return 1  # the part that failed has logged why
    return 0


def _spare_collector() -> None:
    """Let the garbage collector skip what lives for ever, and look at batches rather than at each event.

    Its default pace walks all modules again and again while a batch of events is in memory: half of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Runtime:
    """One running service."""

    def __init__(self, service: Service, settings: ServiceSettings) -> None:
        self._service = service
        self._settings = settings
        self._stopping = asyncio.Event()
        self._drained = asyncio.Event()
        self._last_resort = Timer(DRAIN_SECONDS, os._exit, (1,))
        self._last_resort.daemon = True
        self._producer = EventProducer(settings, f"countersign.{service.name}")
        self._processor = BatchProcessor(
            service.name, service.database, service.tables, service.outbox, service.aggregates
        )
        self._consumer = self._new_consumer() if service.aggregates else None
        add_operations(service.app, self.is_live, self.is_ready)

    async def run(self) -> None:
        """Serve until a signal comes or a part fails; a failure is raised after the drain."""
        server, listening = listen(self._service.app, self._settings.http_host, self._settings.http_port)
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, self._on_signal)
        log.info("service.listening", port=listening.getsockname()[1])
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._serve_http(server, listening))
                relaying = group.create_task(self._until(self._drained, self._new_relay().run))
                group.create_task(self._until(self._drained, every(GAUGES_SECONDS, self._refresh_gauges)))
                working = [group.create_task(self._until(self._stopping, loop)) for loop in self._loops()]
                await asyncio.gather(*working)
                self._drained.set()
                server.should_exit = True
                await asyncio.wait({relaying}, timeout=RELAY_DRAIN_SECONDS)
                relaying.cancel()  # what Kafka does not take stays in the outbox; the lease runs out by itself
        finally:
            metrics.SERVICE_READY.set(0)
            for close in self._service.closers:
                with suppress(TimeoutError):
                    await asyncio.wait_for(close(), CLOSE_SECONDS)
            await asyncio.to_thread(self._producer.close)
            await self._service.database.close()
            self._last_resort.cancel()
            log.info("service.stopped")

    def stop(self) -> None:
        """Begin the drain, as SIGTERM does."""
        self._stopping.set()

    def _on_signal(self) -> None:
        """Begin the drain; where a server hangs instead of refusing, end without it, since leases recover the rest."""
        self.stop()
        if not self._last_resort.is_alive():
            self._last_resort.start()

    def is_live(self) -> bool:
        """Whether the consumer's thread ticks; that this is answered at all shows that the loop does."""
        return self._consumer is None or monotonic() - self._consumer.ticked_at < LIVE_SECONDS

    async def is_ready(self) -> bool:
        """Whether the service is assigned, reaches its database and is not draining."""
        is_assigned = self._consumer is None or self._consumer.is_assigned
        is_willing = is_assigned and self._service.is_ready() and not self._stopping.is_set()
        return is_willing and await self._service.database.is_reachable()

    def _new_consumer(self) -> BatchConsumer:
        service = self._service
        offsets = Offsets(service.tables)
        return BatchConsumer(
            self._settings,
            service.name,
            sorted({topic for aggregate in service.aggregates for topic in aggregate.topics}),
            lambda names: offsets.load(service.database, names),
            self._settle,
        )

    async def _settle(self, batch: Batch) -> None:
        await self._processor.settle(batch)
        for worker in self._service.workers:
            worker.wake()

    def _new_relay(self) -> Relay:
        service = self._service
        holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        lease = Lease(service.database, service.tables, "relay", holder, LEASE_SECONDS)
        return Relay(service.name, service.database, service.outbox, self._producer, lease)

    def _loops(self) -> list[Loop]:
        consuming = [] if self._consumer is None else [self._consumer.run]
        return [*consuming, *(worker.run for worker in self._service.workers), *self._service.loops]

    async def _until(self, event: asyncio.Event, loop: Loop) -> None:
        """Run one loop; when it fails the whole service stops, for half a service would be a silent stop."""
        try:
            await loop(event)
        except Exception:
            log.exception("service.loop_failed")
            self._stopping.set()
            raise

    async def _serve_http(self, server: Server, listening: socket.socket) -> None:
        await server.serve(sockets=[listening])

    async def _refresh_gauges(self) -> None:
        """Refresh the gauges that only the database can answer."""
        metrics.SERVICE_READY.set(await self.is_ready())
        name = self._service.name
        async with self._service.database.begin() as db:
            rows, oldest = await self._service.outbox.backlog(db)
            letters = await DeadLetters(self._service.tables).count_by_reason(db)
        age_seconds = 0.0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds()
        metrics.OUTBOX_ROWS.labels(name).set(rows)
        metrics.OUTBOX_OLDEST_AGE_SECONDS.labels(name).set(max(age_seconds, 0.0))
        for reason, count in letters.items():
            metrics.DEAD_LETTERS.labels(name, reason).set(count)
