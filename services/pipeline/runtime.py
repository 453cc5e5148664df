"""Runs a service: consumer, relay, workers, loops and HTTP side by side until a signal, then drains them in order."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
import uvloop
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from schemas.events import EventData
from services.pipeline import tracing
from services.pipeline.aggregate import Aggregate, topics_of
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.broker import BatchConsumer, Brokers, BrokerWatch, EventProducer
from services.pipeline.broker.watch import WATCH_SECONDS
from services.pipeline.catching_up import CatchingUp
from services.pipeline.clock import utc_now
from services.pipeline.crash import refuse_outside_sandbox
from services.pipeline.database import Database
from services.pipeline.database_rights import CHECK_SECONDS, RightsCheck
from services.pipeline.decoding import DecodedBatch, Reply
from services.pipeline.errors import BrokerError, PartEndedError, SettingsError
from services.pipeline.forced_exit import ForcedExit
from services.pipeline.garbage import tune_garbage_collector
from services.pipeline.gauges import Gauges, begin_series
from services.pipeline.held_loop import watch_loop
from services.pipeline.http import new_app
from services.pipeline.http_servers import HttpServers
from services.pipeline.kafka_certificates import CERTIFICATES_SECONDS, show_certificates
from services.pipeline.kafka_rights import group_of
from services.pipeline.last_words import log_loop_failures
from services.pipeline.lateness import Lateness
from services.pipeline.logs import configure_logs, format_in_environment
from services.pipeline.offsets import Offsets
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import Loop, every
from services.pipeline.readiness import Readiness
from services.pipeline.records import Batch, Partition
from services.pipeline.redriving_known import KnownTypes
from services.pipeline.relay import new_relay
from services.pipeline.retention import Retention, RetentionRule, kernel_rules
from services.pipeline.settings import ServiceSettings
from services.pipeline.tables import KernelTables
from services.pipeline.topic_check import TopicCheck
from services.pipeline.worker import Worker

DRAIN_SECONDS = 10.0
GAUGES_SECONDS = 10.0
ENDS_SECONDS = 30.0
RELAY_DRAIN_SECONDS = 1.5
CLOSE_SECONDS = 1.0
LOOKUP_THREADS = 32
"""Half of them look up host names. Of uvloop's own four, two names whose servers do not answer would hold up all."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The parts of one service, as its `__main__` assembles them."""

    name: str
    tables: KernelTables
    database: Database
    outbox: Outbox
    aggregates: Sequence[Aggregate] = ()
    projected: Sequence[Aggregate] = ()
    """What a loop of the service keeps by itself, from topics that it reads by itself."""
    workers: Sequence[Worker[Any, Any]] = ()
    loops: Sequence[Loop] = ()
    retention: Sequence[RetentionRule] = ()
    """What the service forgets, besides settled dead letters."""
    closers: Sequence[Callable[[], Awaitable[None]]] = ()
    """Called at the same time after the drain, to close connections that the service holds."""
    app: FastAPI = field(default_factory=lambda: new_app("Countersign"))
    public_url: str | None = None
    """Where browsers and programs outside reach the app, if they do."""
    operators: FastAPI | None = None
    """Serves /metrics, if it is not `app` that does."""
    is_ready: Callable[[], bool] = lambda: True
    follows: Sequence[str] = ()
    """Topics that a loop of the service reads by itself."""
    on_highs: Callable[[Mapping[Partition, int]], None] | None = None
    """Told where those topics end."""
    publishes: Sequence[type[EventData]] = ()
    """What the service puts on topics, which then have to keep it."""
    reply: Reply = lambda *_: None
    """Tells the sender of a message why it was set aside."""
    catching_up: CatchingUp | None = None
    """What the service must have read before it acts."""
    lateness: Lateness | None = None
    """Told what was read and where the topics end."""
    reload: Callable[[], None] | None = None
    """Called on SIGHUP, to read again what an operator has changed; without it, SIGHUP ends the process."""


def run_service(name: str, build: Callable[[], tuple[Service, ServiceSettings]]) -> int:
    """Run the service `name`, which `build` returns, until SIGTERM or SIGINT; return 0 after a drain, else 1.

    Once it has to end, the process ends within DRAIN_SECONDS, even if a server, a thread or the interpreter's own end
    hangs; leases recover the rest.
    """
    forced_exit = ForcedExit(DRAIN_SECONDS)

    async def main() -> None:
        log_loop_failures(asyncio.get_running_loop())
        refuse_outside_sandbox()
        await run_in_threadpool(int)  # imports now, rather than with a request, what that needs
        service, settings = build()
        log.info("service.starting", **settings.model_dump(mode="json"))
        with tracing.sending(service.name, settings.otel_exporter_otlp_endpoint):
            await Runtime(service, settings, on_ending=forced_exit.arm).run()

    configure_logs(format_in_environment(), name)
    tune_garbage_collector()
    os.environ.setdefault("UV_THREADPOOL_SIZE", str(LOOKUP_THREADS))  # which uvloop reads with its first lookup
    try:
        uvloop.run(main())
    except (OSError, SettingsError) as error:
        log.error("service.not_started", cause=str(error))  # noqa: TRY400 - an operator's error, not ours
        return 1
    except ExceptionGroup:
        return 1  # the failed part has logged why
    return 0


class Runtime:
    """One running service; `on_ending` is called as soon as it has to end, for whatever reason."""

    def __init__(
        self, service: Service, settings: ServiceSettings, on_ending: Callable[[], None] = lambda: None
    ) -> None:
        self._service = service
        self._settings = settings
        self._on_ending = on_ending
        self._stopping = asyncio.Event()
        self._drained = asyncio.Event()
        self._failures: list[Exception] = []
        self._producer = EventProducer(settings, f"countersign.{service.name}")
        self._processor = BatchProcessor(
            service.name, service.database, service.tables, service.outbox, service.aggregates, reply=service.reply
        )
        self._consumer = self._new_consumer() if service.aggregates else None
        self._rights = RightsCheck(service.database, service.tables.outbox.metadata.sorted_tables)
        self._brokers = Brokers(settings, group_of(service.name))
        self._watch = BrokerWatch(self._brokers, self._topics)
        self._readiness = Readiness(service.database, self._consumer, self._watch, self._is_willing)
        self._gauges = Gauges(service.name, service.database, service.tables, service.outbox, service.catching_up)
        begin_series(service.name, self._topics)
        operators = service.operators or service.app
        self._servers = HttpServers(service.app, operators, self._readiness.is_live, self.is_ready)

    async def run(self) -> None:
        """Run until a signal arrives or a part fails, then drain; failures are raised after that."""
        serving = self._servers.listen(self._settings, self._service.public_url)
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, self.stop)
        if self._service.reload is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._service.reload)
        service = self._service
        relay = new_relay(service.name, service.database, service.tables, service.outbox, self._producer)
        try:
            async with asyncio.TaskGroup() as group:
                for serve in serving:
                    group.create_task(self._run_part(serve, self._drained))
                relaying = group.create_task(self._run_part(relay.run, self._drained))
                watching = [group.create_task(self._run_part(job, self._drained)) for job in self._jobs()]
                working = [group.create_task(self._run_part(loop, self._stopping)) for loop in self._loops()]
                await asyncio.gather(self._stopping.wait(), *working)
                self._drained.set()
                self._servers.leave()
                await asyncio.wait({relaying}, timeout=RELAY_DRAIN_SECONDS)
                for part in (relaying, *watching):
                    part.cancel()  # unsent rows stay in the outbox, and the lease expires by itself
        finally:
            await self._close()
        if self._failures:
            raise ExceptionGroup("parts of the service failed", self._failures)

    async def _close(self) -> None:
        self._on_ending()
        self._readiness.hide()
        self._brokers.close()
        closing = [asyncio.wait_for(close(), CLOSE_SECONDS) for close in self._service.closers]
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, Exception):  # what is not closed ends with the process
                log.warning("service.close_failed", cause=type(result).__name__)
        await asyncio.to_thread(self._producer.close)
        await self._service.database.close()
        log.info("service.stopped")

    def stop(self) -> None:
        """Start the drain, as SIGTERM does."""
        self._on_ending()
        self._stopping.set()

    async def is_ready(self) -> bool:
        """Whether the service has its partitions, reaches its servers and is not draining."""
        return await self._readiness.is_ready()

    def _is_willing(self) -> bool:
        return self._service.is_ready() and self._rights.is_satisfied and not self._stopping.is_set()

    @property
    def _topics(self) -> list[str]:
        return sorted({*topics_of(self._service.aggregates), *self._service.follows})

    def _new_consumer(self) -> BatchConsumer[DecodedBatch]:
        service = self._service
        offsets = Offsets(service.tables)
        return BatchConsumer(
            self._settings,
            service.name,
            topics_of(service.aggregates),
            lambda partitions: offsets.load(service.database, partitions),
            self._processor.decode,
            self._settle,
        )

    async def _settle(self, batch: Batch, decoded: DecodedBatch) -> None:
        await self._processor.settle(batch, decoded)
        if self._service.lateness is not None:
            self._service.lateness.settled(batch.records)
        self._wake_workers()

    def _wake_workers(self) -> None:
        for worker in self._service.workers:
            worker.wake()

    def _loops(self) -> list[Loop]:
        """What takes in work, and ends first."""
        consuming = [] if self._consumer is None else [self._consumer.run]
        service = self._service
        written = {event.topic for event in service.publishes}
        topics = sorted(written.union(self._topics))
        watching = TopicCheck(service.name, self._settings, service.database, service.tables, topics)
        working = [worker.run for worker in service.workers]
        known = KnownTypes(service.name, service.database, service.tables, service.aggregates or service.projected)
        expiring = every(CERTIFICATES_SECONDS, partial(show_certificates, self._settings))
        return [*consuming, *working, *service.loops, watching.run, known.run, self._new_retention().run, expiring]

    def _new_retention(self) -> Retention:
        service = self._service
        rules = [*service.retention, *kernel_rules(service.tables, self._settings.keep_dead_letters_days)]
        return Retention(service.name, service.database, service.tables, rules)

    def _jobs(self) -> list[Loop]:
        """What watches the service until it is drained."""
        catching_up = self._service.catching_up
        follow = catching_up and partial(catching_up.run, brokers=self._brokers, on_caught_up=self._wake_workers)
        return [
            every(GAUGES_SECONDS, self._gauges.refresh),
            every(GAUGES_SECONDS, self._readiness.show),
            every(WATCH_SECONDS, self._watch_brokers),
            every(CHECK_SECONDS, self._rights.check),
            every(ENDS_SECONDS, self._tell_highs, first_after_seconds=ENDS_SECONDS),
            partial(watch_loop, self._service.name),
            *([follow] if follow else []),
        ]

    async def _run_part(self, part: Loop, ending: asyncio.Event) -> None:
        """Run `part` until `ending` is set; if it fails or ends before, the whole service drains and ends."""
        try:
            await part(ending)
            if not ending.is_set():
                raise PartEndedError("a part of the service has ended by itself")  # noqa: TRY301 - as any failure
        except Exception as error:
            log.exception("service.part_failed")
            self._failures.append(error)
            self.stop()

    async def _watch_brokers(self) -> None:
        await self._watch.check()
        self._readiness.note_idleness()

    async def _tell_highs(self) -> None:
        """Tell where the partitions end, so that it is noticed if the consumer stands still or is late."""
        tell = self._service.on_highs if self._consumer is None else self._consumer.compare_with
        if tell is None or not self._watch.is_reachable:
            return
        asked_at = utc_now()
        try:
            spans = await self._brokers.spans(topics_of(self._service.aggregates) or self._service.follows)
        except BrokerError as error:
            log.info("consumer.not_compared", cause=str(error))
        else:
            tell({partition: span.high for partition, span in spans.items()})
            if self._service.lateness is not None:
                await self._service.lateness.look(spans, asked_at)
