"""Follows three compacted topics with Faust and keeps the newest record of each key in PostgreSQL.

Delivery is at least once. A message is acknowledged to Faust only after its transaction, so a crash or a lost database
repeats messages and skips none, and keeping the highest version makes a repeat harmless. Faust itself may drop messages
around a rebalance (those of an older generation of the group); the next version of that commitment or person repairs
it.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import faust
import structlog

from services.digest.aggregates import AGGREGATES
from services.digest.any_headers import known_headers
from services.digest.committed import CommittedTransport, Reading, readings_of
from services.digest.metrics import FAILED_ATTEMPTS
from services.digest.standing_still import StandingStill
from services.digest.storage.tables import KERNEL
from services.pipeline.aggregate import topics_of
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.broker.lag import forget_lag, show_progress
from services.pipeline.broker.refusals import REMEDY
from services.pipeline.database import Database
from services.pipeline.decoding import DecodedBatch, decode_batch
from services.pipeline.errors import BrokerError
from services.pipeline.logs import FailureLog
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import is_set_within
from services.pipeline.records import Batch, Partition, Record, moment_of
from services.pipeline.seldom import Seldom
from services.pipeline.settings import KafkaSettings
from services.pipeline.tracebacks import worded

BATCH_RECORDS = 500
BATCH_SECONDS = 1.0  # Faust's agents wake up this often also if nothing arrives; a full batch does not wait for it
SESSION_SECONDS = 15.0
START_SECONDS = 60.0
STOP_SECONDS = 5.0
WATCH_SECONDS = 5.0
RENEW_PAUSE_SECONDS = 2.0
PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
LONGEST_PAUSE_SECONDS = 10.0
REPORT_SECONDS = 60.0

log = structlog.get_logger()


class Projection:
    """Runs a Faust app in this event loop, and a new one whenever it breaks."""

    def __init__(
        self, settings: KafkaSettings, database: Database, outbox: Outbox, group: str = "countersign.digest"
    ) -> None:
        self._settings = settings
        self._processor = BatchProcessor("digest", database, KERNEL, outbox, AGGREGATES)
        self._group = group
        self._failures = FailureLog(every_seconds=REPORT_SECONDS)
        self._renewals = Seldom(REPORT_SECONDS)
        self._next: dict[Partition, int] = {}
        self._shown: set[Partition] = set()
        self._highs: Mapping[Partition, int] = {}
        self.is_compared = True
        self._standing_still = StandingStill()
        self._batches_under_way = 0
        self.is_ready = False

    def compare_with(self, highs: Mapping[Partition, int]) -> None:
        """Note where the partitions end; if nothing is read up to there twice in a row, a new app continues."""
        self._highs, self.is_compared = highs, False

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow the topics until `stopping` is set, however long the broker is unavailable."""
        with tempfile.TemporaryDirectory(prefix="countersign-digest-") as folder:
            while not stopping.is_set():
                app = self._new_app(folder)
                try:
                    await self._run_app(app, stopping)
                except Exception as error:  # noqa: BLE001 - however the app breaks, a new one continues
                    self._tell(error)
                finally:
                    self.is_ready = False
                    await _stop(app)
                    self._show_lag({})
                await is_set_within(stopping, RENEW_PAUSE_SECONDS)

    def _tell(self, error: Exception) -> None:
        """Log why the app is renewed, each reason once a minute; why the brokers are away, `brokers.away` says."""
        cause = worded(error)
        if (repeats := self._renewals.left_out(cause)) is not None:
            log.warning("projection.renewed", cause=cause, repeats=repeats)

    def _new_app(self, folder: str) -> faust.App:
        app = faust.App(
            self._group,
            broker=[f"kafka://{server.strip()}" for server in self._settings.kafka_bootstrap_servers.split(",")],
            broker_credentials=_credentials(self._settings),
            broker_commit_interval=5.0,
            broker_session_timeout=SESSION_SECONDS,
            broker_max_poll_records=BATCH_RECORDS,
            stream_buffer_maxsize=BATCH_RECORDS,
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=False,  # a stop must not wait for the database; what is not acknowledged is read again
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            datadir=folder,  # Faust creates folders although it has nothing to keep there
            env_prefix="COUNTERSIGN_FAUST_",  # otherwise Faust would read variables such as DEBUG
        )
        app.transport = CommittedTransport(app.conf.broker_consumer, app)
        for name in topics_of(AGGREGATES):
            topic = app.topic(
                name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", allow_empty=True
            )
            app.agent(topic, name=name, concurrency=1)(self._follow)
        return app

    async def _follow(self, stream: Any) -> None:
        async for events in stream.noack_take(BATCH_RECORDS, within=BATCH_SECONDS):
            records = [record_of(event.message) for event in events]
            await self.settle(records)
            for event in events:
                await stream.ack(event)
            self._next.update({record.partition: record.offset + 1 for record in records})

    async def settle(self, records: Sequence[Record]) -> None:
        """Process `records`, waiting for as long as the database is unavailable."""
        batch, decoded = Batch.without_offsets(records), await asyncio.to_thread(decode_batch, records)
        self._batches_under_way += 1
        try:
            await self._settle(batch, decoded)
        finally:
            self._batches_under_way -= 1

    async def _settle(self, batch: Batch, decoded: DecodedBatch) -> None:
        for pause_seconds in chain(PAUSES_SECONDS, repeat(LONGEST_PAUSE_SECONDS)):
            try:
                await self._processor.settle(batch, decoded)
            except Exception as error:  # noqa: BLE001 - Faust would drop the messages of an agent that raises
                FAILED_ATTEMPTS.inc()
                self._failures.expected("projection.waits", error, records=len(batch.records))
                await asyncio.sleep(pause_seconds)
            else:
                return

    async def _run_app(self, app: faust.App, stopping: asyncio.Event) -> None:
        """Return when `stopping` is set, raise when the app does not start or crashes; measure the lag until then."""
        await _start(app, stopping)
        log.info("projection.started")
        self._standing_still = StandingStill()
        self.is_ready = True
        while not stopping.is_set():
            if app.crashed:
                raise BrokerError(f"Faust crashed: {worded(app.crash_reason)}")
            readings = readings_of(app)
            self._show_lag(readings)
            self._compare(readings)
            await is_set_within(stopping, WATCH_SECONDS)

    def _compare(self, readings: Mapping[Partition, Reading]) -> None:
        """Raise BrokerError if Faust stands still; while a batch waits for the database, it has to."""
        if self.is_compared or self._batches_under_way:
            return
        self.is_compared = True
        reached = {name: max(each.fetched or 0, self._next.get(name, 0)) for name, each in readings.items()}
        if found := self._standing_still.found(reached, self._highs):
            raise BrokerError(f"Faust reads nothing from {len(found)} partitions that have messages")

    def _show_lag(self, readings: Mapping[Partition, Reading]) -> None:
        """Show the lag of the partitions in `readings`, which are the assigned ones, and forget all others."""
        gone = self._shown - readings.keys()
        forget_lag(gone)
        self._shown -= gone
        self._next = {partition: offset for partition, offset in self._next.items() if partition in readings}
        for partition, reading in readings.items():
            high = self._highs.get(partition, 0)
            lag = reading.lag(self._next.get(partition), high)
            if lag is not None:
                show_progress(partition, max(reading.high or 0, high) - lag, lag)
                self._shown.add(partition)


def record_of(message: Any) -> Record:
    """Return Faust's `message` as a record, whatever its producer has set as its timestamp."""
    return Record(
        Partition(message.topic, message.partition),
        message.offset,
        message.key,
        message.value,
        known_headers(list(message.headers or ())),
        moment_of(message.timestamp and message.timestamp * 1000),
    )


async def _start(app: faust.App, stopping: asyncio.Event) -> None:
    """Return once `app` has joined its group or `stopping` is set; TimeoutError after START_SECONDS."""
    starting, stop = asyncio.create_task(app.start()), asyncio.create_task(stopping.wait())
    try:
        done, _ = await asyncio.wait({starting, stop}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise TimeoutError(f"Faust did not join its consumer group within {START_SECONDS} s; may it? {REMEDY}")
        for task in done:
            await task
    finally:
        starting.cancel()
        stop.cancel()


async def _stop(app: faust.App) -> None:
    """Stop `app`, or abandon it after STOP_SECONDS: one that has crashed may wait forever for its own threads."""
    try:
        await asyncio.wait_for(app.stop(), STOP_SECONDS)
    except Exception as error:  # noqa: BLE001 - it is abandoned in any case
        log.warning("projection.stopped_badly", cause=type(error).__name__)


def _credentials(settings: KafkaSettings) -> Any:
    """Return the credentials for Faust's client, None for a broker that asks for none."""
    protocol, password = settings.kafka_security_protocol, settings.kafka_sasl_password
    context = settings.ssl_context() if protocol.endswith("SSL") else None
    if protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=None if password is None else password.get_secret_value(),
            ssl_context=context,
            mechanism=settings.kafka_sasl_mechanism,
        )
    return None if context is None else faust.SSLCredentials(context)
