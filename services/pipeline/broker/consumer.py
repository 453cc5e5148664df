"""Reads batches for one consumer group in a thread of its own, and recovers from any failure in one way."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import TypeVar

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from services.pipeline import metrics
from services.pipeline.broker.lag import commit_for_lag, measure_lag
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
SavedOffsets = Mapping[Partition, int]
log = structlog.get_logger()


class BatchConsumer:
    """Passes batches to `settle`, which saves the offsets together with the state.

    After any failure of `settle` the batch is dropped and reading continues from the saved offsets. That one recovery
    covers a deadlock, a lost connection, a rebalance and a database restored from a backup.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        service: str,
        topics: Sequence[str],
        load_offsets: Callable[[Sequence[Partition]], Awaitable[SavedOffsets]],
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
        """Consume until `stopping` is set, finishing the current batch; raises errors that recovery cannot fix."""
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
            commit_for_lag(self._consumer, self._positions)
        finally:
            self._close()

    def _close(self) -> None:
        """Leave the group without waiting long for an unavailable broker, which only misses a commit for the lag."""
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
            # consume(500, 0.1) alone would wait the whole 0.1 s for a batch that does not fill
            self._take([first, *self._consumer.consume(BATCH_RECORDS - 1, 0)])
        if self.ticked_at >= self._lag_at:
            self._lag_at = self.ticked_at + LAG_SECONDS
            commit_for_lag(self._consumer, self._positions)
            measure_lag(self._consumer, self._positions)
        if self.ticked_at >= self._compare_at and self._recover_at is None:
            self._compare_at = self.ticked_at + COMPARE_SECONDS
            self._compare_with_saved()

    def _compare_with_saved(self) -> None:
        """Recover if the database was restored from a backup while no messages arrive; a batch would notice it too."""
        try:
            saved = self._in_loop(self._load_offsets(list(self._positions)), OFFSETS_TIMEOUT_SECONDS)
        except _RECOVERABLE:
            return  # the next batch will recover
        if any(saved.get(partition) != position for partition, position in self._positions.items()):
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
        """Run `work` in the event loop and wait for its result in this thread."""

        async def awaited() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(timeout_seconds)

    def _on_assign(self, consumer: Consumer, assigned: list[TopicPartition]) -> None:
        partitions = [Partition(each.topic, each.partition) for each in assigned]
        try:
            saved = self._in_loop(self._load_offsets(partitions), OFFSETS_TIMEOUT_SECONDS)
        except _RECOVERABLE:
            saved = None
        self._positions.update({partition: (saved or {}).get(partition) for partition in partitions})
        consumer.incremental_assign([at_offset(partition, self._positions[partition]) for partition in partitions])
        if saved is None:
            self._recover_soon()
        log.info("consumer.assigned", partitions=len(partitions), from_saved=len(saved or {}))

    def _on_revoke(self, consumer: Consumer, revoked: list[TopicPartition]) -> None:
        for each in revoked:
            partition = Partition(each.topic, each.partition)
            self._positions.pop(partition, None)
            self._out_of_range.discard(partition)
        self._count_out_of_range()
        consumer.incremental_unassign(revoked)
        log.info("consumer.revoked", partitions=len(revoked))

    def _recover_soon(self) -> None:
        self._consumer.pause([at_offset(partition, None) for partition in self._positions])
        self._recover_at = monotonic() + RECOVERY_PAUSE_SECONDS

    def _recover(self) -> None:
        """Continue from the saved offsets, or try again soon while database or broker are unavailable."""
        partitions = list(self._positions)
        try:
            saved = self._in_loop(self._load_offsets(partitions), OFFSETS_TIMEOUT_SECONDS)
            for partition in partitions:
                self._continue_from(partition, saved.get(partition))
        except (*_RECOVERABLE, KafkaException) as error:
            log.warning("consumer.recovery_waits", cause=type(error).__name__)
            self._recover_soon()
            return
        self._positions = {partition: saved.get(partition) for partition in partitions}
        self._out_of_range.clear()
        self._count_out_of_range()
        self._recover_at = None
        self._consumer.resume([at_offset(partition, None) for partition in partitions])
        log.info("consumer.recovered", partitions=len(partitions))

    def _continue_from(self, partition: Partition, offset: int | None) -> None:
        position = at_offset(partition, offset)
        if partition in self._out_of_range:
            # librdkafka refuses to seek in a partition whose offset was out of range
            self._consumer.incremental_unassign([position])
            self._consumer.incremental_assign([position])
        else:
            self._consumer.seek(position)

    def _on_error(self, message: Message) -> None:
        error = message.error()
        if error is None:
            return
        if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - librdkafka's local codes begin with _
            partition = Partition(str(message.topic()), int(message.partition() or 0))
            self._out_of_range.add(partition)
            self._count_out_of_range()
            log.error(
                "consumer.offset_out_of_range",
                topic=partition.topic,
                partition=partition.number,
                saved=message.offset(),
            )
        elif error.fatal():
            raise BrokerError(error.str())
        else:
            log.warning("consumer.kafka_error", error=error.str())

    def _count_out_of_range(self) -> None:
        metrics.OFFSETS_OUT_OF_RANGE.labels(self._service).set(len(self._out_of_range))
