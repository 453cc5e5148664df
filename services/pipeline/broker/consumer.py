"""Hands batches of one consumer group to asyncio, and recovers by one path from whatever goes wrong there."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import TypeVar

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from services.pipeline import metrics
from services.pipeline.broker.messages import LIBRDKAFKA_LOG, at_offset, consumer_config, record_of
from services.pipeline.database import DATABASE_ERRORS
from services.pipeline.errors import BrokerError, StaleBatchError
from services.pipeline.records import Batch, Partition, batch_of
from services.pipeline.settings import KafkaSettings

BATCH_RECORDS = 500
POLL_SECONDS = 0.1
LAG_SECONDS = 1.0
COMPARE_SECONDS = 5.0
RECOVERY_PAUSE_SECONDS = 0.5
OFFSETS_TIMEOUT_SECONDS = 5
CLOSE_SECONDS = 3.0
_RECOVERABLE = (StaleBatchError, *DATABASE_ERRORS)

T = TypeVar("T")
Offsets = Mapping[Partition, int]
log = structlog.get_logger()


class BatchConsumer:
    """Hands batches to `settle`, which saves the offsets with its own state; Kafka's own commits show the lag only.

    After any failure of `settle` the batch is dropped and reading goes on from the saved offsets: the one recovery
    path, whether the cause was a deadlock, a lost connection, a rebalance or a database restored from a backup.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        service: str,
        topics: Sequence[str],
        load_offsets: Callable[[Sequence[Partition]], Awaitable[Offsets]],
        settle: Callable[[Batch], Awaitable[None]],
    ) -> None:
        self._config = consumer_config(settings, f"countersign.{service}")
        self._service = service
        self._topics = list(topics)
        self._load_offsets = load_offsets
        self._settle = settle
        self._positions: dict[Partition, int | None] = {}
        self._out_of_range: set[Partition] = set()
        self._recover_at: float | None = None
        self._lag_at = 0.0
        self._compare_at = 0.0
        self._stopping = threading.Event()
        self.ticked_at = monotonic()

    @property
    def is_assigned(self) -> bool:
        """Whether this member holds partitions and can read all of them."""
        return bool(self._positions) and not self._out_of_range and self._recover_at is None

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping` is set; the running batch is finished first. Raises what no recovery can mend."""
        self._loop = asyncio.get_running_loop()
        thread = asyncio.create_task(asyncio.to_thread(self._consume))
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait({thread, stop}, return_when=asyncio.FIRST_COMPLETED)
        self._stopping.set()
        stop.cancel()
        await thread

    def _consume(self) -> None:
        self._consumer = Consumer(self._config, logger=LIBRDKAFKA_LOG)
        self._consumer.subscribe(
            self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        try:
            while not self._stopping.is_set():
                self._turn()
            self._commit_for_lag()
        finally:
            self._close()

    def _close(self) -> None:
        """Leave the group; a broker that is away is not waited for, for it only misses a commit for the lag."""
        closing = threading.Thread(target=self._consumer.close, name="kafka-close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            log.warning("consumer.closed_without_answer")

    def _turn(self) -> None:
        self.ticked_at = monotonic()
        if self._recover_at is not None and self.ticked_at >= self._recover_at:
            self._recover()
        first = self._consumer.poll(POLL_SECONDS)
        if first is not None:
            # a plain consume(500, 0.1) would wait out its 0.1 s for a batch that does not fill
            self._take([first, *self._consumer.consume(BATCH_RECORDS - 1, 0)])
        if self.ticked_at >= self._lag_at:
            self._lag_at = self.ticked_at + LAG_SECONDS
            self._commit_for_lag()
            self._measure_lag()
        if self.ticked_at >= self._compare_at and self._recover_at is None:
            self._compare_at = self.ticked_at + COMPARE_SECONDS
            self._compare_with_saved()

    def _compare_with_saved(self) -> None:
        """Notice that the database was set back although nothing arrives that would meet its older offsets."""
        try:
            saved = self._in_loop(self._load_offsets(list(self._positions)), OFFSETS_TIMEOUT_SECONDS)
        except _RECOVERABLE:
            return  # a database that is away is noticed by the next batch
        if any(saved.get(name) != position for name, position in self._positions.items()):
            log.warning("consumer.offsets_moved")
            self._recover_soon()

    def _take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.error() is not None:
                self._on_error(message)
        batch = batch_of([record_of(message) for message in messages if message.error() is None], self._positions)
        if not batch.records or self._recover_at is not None:
            return
        try:
            self._in_loop(self._settle(batch))
        except _RECOVERABLE as error:
            log.warning("consumer.batch_dropped", cause=type(error).__name__, records=len(batch.records))
            self._recover_soon()
        else:
            self._positions.update(batch.ends)

    def _in_loop(self, work: Awaitable[T], timeout_seconds: float | None = None) -> T:
        async def awaited() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(timeout_seconds)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        names = [Partition(each.topic, each.partition) for each in partitions]
        try:
            saved = self._in_loop(self._load_offsets(names), OFFSETS_TIMEOUT_SECONDS)
        except _RECOVERABLE:
            saved = None
        self._positions.update({name: (saved or {}).get(name) for name in names})
        consumer.incremental_assign([at_offset(name, self._positions[name]) for name in names])
        if saved is None:
            self._recover_soon()
        log.info("consumer.assigned", partitions=len(names), from_saved=len(saved or {}))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        names = [Partition(each.topic, each.partition) for each in partitions]
        for name in names:
            self._positions.pop(name, None)
        self._out_of_range.difference_update(names)
        metrics.OFFSETS_OUT_OF_RANGE.labels(self._service).set(len(self._out_of_range))
        consumer.incremental_unassign(partitions)
        log.info("consumer.revoked", partitions=len(names))

    def _recover_soon(self) -> None:
        self._consumer.pause([at_offset(name, None) for name in self._positions])
        self._recover_at = monotonic() + RECOVERY_PAUSE_SECONDS

    def _recover(self) -> None:
        names = list(self._positions)
        try:
            saved = self._in_loop(self._load_offsets(names), OFFSETS_TIMEOUT_SECONDS)
            for name in names:
                self._go_on_from(name, saved.get(name))
        except (*_RECOVERABLE, KafkaException) as error:
            log.warning("consumer.recovery_waits", cause=type(error).__name__)
            self._recover_soon()
            return
        self._positions = {name: saved.get(name) for name in names}
        self._out_of_range.clear()
        metrics.OFFSETS_OUT_OF_RANGE.labels(self._service).set(0)
        self._recover_at = None
        self._consumer.resume([at_offset(name, None) for name in names])
        log.info("consumer.recovered", partitions=len(names))

    def _go_on_from(self, name: Partition, offset: int | None) -> None:
        place = at_offset(name, offset)
        if name in self._out_of_range:
            # librdkafka refuses to seek where it has given up on an offset
            self._consumer.incremental_unassign([place])
            self._consumer.incremental_assign([place])
        else:
            self._consumer.seek(place)

    def _on_error(self, message: Message) -> None:
        error = message.error()
        if error is None:
            return
        if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - librdkafka's local codes begin with _
            name = Partition(str(message.topic()), int(message.partition() or 0))
            self._out_of_range.add(name)
            metrics.OFFSETS_OUT_OF_RANGE.labels(self._service).set(len(self._out_of_range))
            log.error("consumer.offset_out_of_range", topic=name.topic, partition=name.number, saved=message.offset())
        elif error.fatal():
            raise BrokerError(error.str())
        else:
            log.warning("consumer.kafka_error", error=error.str())

    def _commit_for_lag(self) -> None:
        """Commit in the background; `close` waits for the answer."""
        known = [at_offset(name, offset) for name, offset in self._positions.items() if offset is not None]
        if not known:
            return
        try:
            self._consumer.commit(offsets=known, asynchronous=True)
        except KafkaException as error:
            log.info("consumer.lag_not_committed", cause=error.args[0].name())

    def _measure_lag(self) -> None:
        for name, position in self._positions.items():
            try:
                _, high = self._consumer.get_watermark_offsets(at_offset(name, None), cached=True)
            except KafkaException:
                continue  # no longer assigned: the next rebalance callback tells
            if high >= 0 and position is not None:
                metrics.CONSUMER_LAG.labels(name.topic, name.number).set(max(high - position, 0))
