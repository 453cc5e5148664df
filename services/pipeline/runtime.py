"""Runs a service: consumer, relay, workers, loops and HTTP side by side until a signal, then drains them in order."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from threading import Timer
from time import monotonic
from typing import Any

import structlog
from fastapi import FastAPI

from services.pipeline import metrics
from services.pipeline.aggregate import Aggregate, topics_of
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.broker import BatchConsumer, EventProducer
from services.pipeline.clock import utc_now
from services.pipeline.crash import refuse_outside_sandbox
from services.pipeline.database import Database
from services.pipeline.dead_letters import DeadLetters
from services.pipeline.errors import SettingsError
from services.pipeline.http import add_metrics_and_health, listen, new_app
from services.pipeline.logs import configure_logs
from services.pipeline.offsets import Offsets
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import Loop, every
from services.pipeline.records import Batch
from services.pipeline.relay import POLL_SECONDS, new_relay
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
    """The parts of one service, as its `__main__` assembles them."""

    name: str
    tables: KernelTables
    database: Database
    outbox: Outbox
    aggregates: Sequence[Aggregate] = ()
    workers: Sequence[Worker[Any, Any]] = ()
    loops: Sequence[Loop] = ()
    closers: Sequence[Callable[[], Awaitable[None]]] = ()
    """Called at the same time after the drain, to close connections that the service holds."""
    app: FastAPI = field(default_factory=lambda: new_app("Countersign"))
    is_ready: Callable[[], bool] = lambda: True
    relay_poll_seconds: float = POLL_SECONDS


def run_service(build: Callable[[], tuple[Service, ServiceSettings]]) -> int:
    """Run the service that `build` returns until SIGTERM or SIGINT; return 0 after a drain, 1 after a failure."""

    async def main() -> None:
        refuse_outside_sandbox()
        service, settings = build()
        configure_logs(settings.log_format, service.name)
        log.info("service.starting", **settings.model_dump(mode="json"))
        await Runtime(service, settings).run()

    _tune_garbage_collector()
    try:
        asyncio.run(main())
    except (OSError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except ExceptionGroup:
        return 1  # the failed part has logged why
    return 0


def _tune_garbage_collector() -> None:
    """Exempt everything imported so far from garbage collection, and collect less often.

    With the defaults, half of the time for a batch of events went into walking all modules again and again.
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
        self._forced_exit = Timer(DRAIN_SECONDS, os._exit, (1,))
        self._forced_exit.daemon = True
        self._producer = EventProducer(settings, f"countersign.{service.name}")
        self._processor = BatchProcessor(
            service.name, service.database, service.tables, service.outbox, service.aggregates
        )
        self._consumer = self._new_consumer() if service.aggregates else None
        add_metrics_and_health(service.app, self.is_live, self.is_ready)

    async def run(self) -> None:
        """Run until a signal arrives or a part fails; a failure is raised after the drain."""
        server, listening = listen(self._service.app, self._settings.http_host, self._settings.http_port)
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, self._on_signal)
        log.info("service.listening", port=listening.getsockname()[1])
        service = self._service
        relay = new_relay(
            service.name,
            service.database,
            service.tables,
            service.outbox,
            self._producer,
            service.relay_poll_seconds,
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve(sockets=[listening]))
                relaying = group.create_task(self._run_loop(relay.run, self._drained))
                group.create_task(self._run_loop(every(GAUGES_SECONDS, self._refresh_gauges), self._drained))
                working = [group.create_task(self._run_loop(loop, self._stopping)) for loop in self._loops()]
                await asyncio.gather(*working)
                self._drained.set()
                service.outbox.wake()  # a relay that polls rarely need not wait for its next look
                server.should_exit = True
                await asyncio.wait({relaying}, timeout=RELAY_DRAIN_SECONDS)
                relaying.cancel()  # unsent rows stay in the outbox, and the lease expires by itself
        finally:
            await self._close()

    async def _close(self) -> None:
        metrics.SERVICE_READY.set(0)
        closing = [asyncio.wait_for(close(), CLOSE_SECONDS) for close in self._service.closers]
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, Exception):  # what is not closed ends with the process
                log.warning("service.close_failed", cause=type(result).__name__)
        await asyncio.to_thread(self._producer.close)
        await self._service.database.close()
        self._forced_exit.cancel()
        log.info("service.stopped")

    def stop(self) -> None:
        """Start the drain, as SIGTERM does."""
        self._stopping.set()

    def _on_signal(self) -> None:
        """Start the drain, and end the process after DRAIN_SECONDS even if a server hangs; leases recover the rest."""
        self.stop()
        if not self._forced_exit.is_alive():
            self._forced_exit.start()

    def is_live(self) -> bool:
        """Whether the consumer's thread makes progress; that this is answered at all shows that the event loop does."""
        return self._consumer is None or monotonic() - self._consumer.ticked_at < LIVE_SECONDS

    async def is_ready(self) -> bool:
        """Whether the service has its partitions, reaches its database and is not draining."""
        is_assigned = self._consumer is None or self._consumer.is_assigned
        is_willing = is_assigned and self._service.is_ready() and not self._stopping.is_set()
        return is_willing and await self._service.database.is_reachable()

    def _new_consumer(self) -> BatchConsumer:
        service = self._service
        offsets = Offsets(service.tables)
        return BatchConsumer(
            self._settings,
            service.name,
            topics_of(service.aggregates),
            lambda partitions: offsets.load(service.database, partitions),
            self._settle,
        )

    async def _settle(self, batch: Batch) -> None:
        await self._processor.settle(batch)
        for worker in self._service.workers:
            worker.wake()

    def _loops(self) -> list[Loop]:
        consuming = [] if self._consumer is None else [self._consumer.run]
        return [*consuming, *(worker.run for worker in self._service.workers), *self._service.loops]

    async def _run_loop(self, loop: Loop, ending: asyncio.Event) -> None:
        """Run `loop` until `ending` is set; if it fails the whole service stops, so that no part stops unnoticed."""
        try:
            await loop(ending)
        except Exception:
            log.exception("service.loop_failed")
            self._stopping.set()
            raise

    async def _refresh_gauges(self) -> None:
        """Set the gauges whose values are in the database."""
        metrics.SERVICE_READY.set(await self.is_ready())
        name = self._service.name
        async with self._service.database.begin() as db:
            rows, oldest = await self._service.outbox.backlog(db)
            letters = await DeadLetters(self._service.tables).count_by_reason(db)
        age_seconds = 0.0 if oldest is None else (utc_now() - oldest).total_seconds()
        metrics.OUTBOX_ROWS.labels(name).set(rows)
        metrics.OUTBOX_OLDEST_AGE_SECONDS.labels(name).set(max(age_seconds, 0.0))
        for reason, count in letters.items():
            metrics.DEAD_LETTERS.labels(name, reason).set(count)
