"""Reads batches for one consumer group in a thread of its own, and recovers from any failure in one way."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Generic, TypeVar

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from services.pipeline import metrics
from services.pipeline.broker.hand_over import HandOver
from services.pipeline.broker.in_thread import run_in_thread, start_in_loop
from services.pipeline.broker.lag import LagReport, commit_for_lag, forget_lag
from services.pipeline.broker.messages import LIBRDKAFKA_LOG, at_offset, consumer_config, partition_of, record_of
from services.pipeline.broker.positions import Positions
from services.pipeline.broker.refusals import REMEDY, Refusals, is_fatal
from services.pipeline.broker.stalls import Stalls
from services.pipeline.database import DATABASE_ERRORS
from services.pipeline.errors import BrokerError, StaleBatchError
from services.pipeline.kafka_rights import group_of
from services.pipeline.logs import FailureLog
from services.pipeline.records import Batch, Partition, Record
from services.pipeline.seldom import SECONDS, Seldom
from services.pipeline.settings import KafkaSettings

POLL_SECONDS = 0.1
IDLE_POLL_SECONDS = 0.5
"""A message ends this wait at once, but the end of the service does not."""
HAND_OVER_SECONDS = 0.005
COMPARE_SECONDS = 5.0
RECOVERY_PAUSE_SECONDS = 0.5
OFFSETS_TIMEOUT_SECONDS = 5
FINISH_SECONDS = 5.0
CLOSE_SECONDS = 3.0
ABANDON_SECONDS = FINISH_SECONDS + CLOSE_SECONDS + 1.0
_RECOVERABLE = (StaleBatchError, *DATABASE_ERRORS)

T = TypeVar("T")
DecodedT = TypeVar("DecodedT")
SavedOffsets = Mapping[Partition, int]
log = structlog.get_logger()


class BatchConsumer(Generic[DecodedT]):
    """Passes batches to `settle`, which saves the offsets together with the state.

    While batches are settled in the event loop, the next is read and decoded in the consumer's thread, where `decode`
    therefore runs. After any failure of `settle`, all are dropped and reading continues from the saved offsets. That
    one recovery covers a deadlock, a lost connection, a rebalance and a database restored from a backup.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        service: str,
        topics: Sequence[str],
        load_offsets: Callable[[Sequence[Partition]], Awaitable[SavedOffsets]],
        decode: Callable[[Sequence[Record]], DecodedT],
        settle: Callable[[Batch, DecodedT], Awaitable[None]],
    ) -> None:
        self.group = group_of(service)
        self._config = consumer_config(settings, self.group) | {"enable.partition.eof": True}
        self._service, self._topics = service, list(topics)
        self._load_offsets = load_offsets
        self._positions = Positions()
        self._hand_over = HandOver(self._positions, decode, settle)
        self._stalls, self._seldom = Stalls(), Seldom()
        self._failures = FailureLog(every_seconds=SECONDS)
        self._highs: Mapping[Partition, int] = {}
        self._new_highs: Mapping[Partition, int] | None = None
        self._reads = 0
        self._just_revoked: set[Partition] = set()
        self.refusals = Refusals(self.group)
        self._recover_at: float | None = None
        self._lag = LagReport()
        self._compare_at = 0.0
        self._stopping = threading.Event()
        self.ticked_at = monotonic()

    @property
    def is_reading(self) -> bool:
        """Whether this member holds partitions, can read all of them, and reads from those that have messages."""
        positions = self._positions
        is_hindered = positions.out_of_range or self._stalls.partitions or self.refusals
        return bool(positions.kept) and not is_hindered and self._recover_at is None

    @property
    def holds_nothing(self) -> bool:
        """Whether no partition is assigned to this member."""
        return not self._positions.kept

    def compare_with(self, highs: Mapping[Partition, int]) -> None:
        """Compare soon what was read with `highs`, where the brokers say that the partitions end."""
        self._new_highs = highs

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping` is set, finishing the current batch; raises errors that recovery cannot fix."""
        self._loop = asyncio.get_running_loop()
        thread = asyncio.create_task(run_in_thread(self._consume, "kafka-consumer"))
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({thread, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # also when this task is cancelled: the thread would read on and hold its partitions for ever
            self._stopping.set()
            stop.cancel()
            await asyncio.wait({thread}, timeout=ABANDON_SECONDS)
        if not thread.done():
            raise BrokerError("The consumer's thread does not end.")
        await thread

    def _consume(self) -> None:
        self._consumer = Consumer(self._config, logger=LIBRDKAFKA_LOG)
        self._consumer.subscribe(
            self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        try:
            while not self._stopping.is_set():
                self._turn()
            self._recover_from(self._hand_over.finish(FINISH_SECONDS))
            commit_for_lag(self._consumer, self._positions)
        finally:
            self._close()

    def _close(self) -> None:
        """Leave the group without waiting long for an unavailable broker, which only misses a commit for the lag."""
        held = self._positions.partitions
        self._hand_over.abandon()
        closing = threading.Thread(target=self._consumer.close, name="kafka-close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        forget_lag(held)
        if closing.is_alive():
            log.warning("consumer.closed_without_answer")

    def _turn(self) -> None:
        now, settling = monotonic(), self._hand_over.settling
        self.ticked_at = settling.since if settling else now
        self._recover_from(self._hand_over.collect(0))
        if self._recover_at is not None and now >= self._recover_at and not self._hand_over.settling:
            self._recover()
        self._read()
        self._look_around(now)
        if self._recover_at is None:
            self._hand_over.prepare()
            self._hand_over.submit(self._loop)

    def _read(self) -> None:
        """Read what there is; wait for a message only if none waits to be handed over."""
        is_waiting = self._hand_over.has_waiting
        if is_waiting:
            self._recover_from(self._hand_over.collect(HAND_OVER_SECONDS))
        if not (room := self._hand_over.room):
            return
        is_busy = self._hand_over.settling or self._recover_at is not None
        first = self._consumer.poll(0 if is_waiting else POLL_SECONDS if is_busy else IDLE_POLL_SECONDS)
        if first is not None:
            self._just_revoked.clear()
            # consume(500, 0.1) alone would wait the whole 0.1 s for a batch that does not fill
            others = self._consumer.consume(max(room - 1, 1), 0)
            # its partition may have gone, and even have come back, while the others were read
            self._add(others if partition_of(first) in self._just_revoked else [first, *others])

    def _add(self, messages: Sequence[Message]) -> None:
        """Keep the messages, unless the offsets are in question: then they are read again after the recovery."""
        for message in messages:
            if message.error() is not None:
                self._on_error(message)
        if self._recover_at is None:
            records = [record_of(message) for message in messages if message.error() is None]
            self._reads += len(records)
            self._hand_over.add(records)
            self.refusals.forget(record.partition.topic for record in records)

    def _recover_from(self, error: BaseException | None) -> None:
        """Recover if `error` ended a batch; raise it if recovery cannot fix it."""
        if isinstance(error, _RECOVERABLE):
            self._failures.expected("consumer.batch_dropped", error)
            self._recover_soon()
        elif error is not None:
            raise error

    def _look_around(self, now: float) -> None:
        """Do what is due besides reading: show the lag, and compare with the database and with the brokers."""
        self._stalls.forget_moved(self._positions)
        self._lag.show(self._consumer, self._positions, self._highs)
        # not while a batch is settled: what is saved is then either what was kept, or already more
        if now >= self._compare_at and self._recover_at is None and not self._hand_over.settling:
            self._compare_at = now + COMPARE_SECONDS
            self._compare_with_saved()
            if self._recover_at is None:
                self._hand_over.skip_marks()
        if self._new_highs is not None and self._recover_at is None:
            self._highs, self._new_highs = self._new_highs, None
            self._compare_with_brokers()

    def _compare_with_saved(self) -> None:
        """Recover if the database was restored from a backup while no messages arrive; a batch would notice it too."""
        try:
            saved = self._in_loop(self._load_offsets(self._positions.partitions))
        except _RECOVERABLE:
            return  # the next batch will recover
        if self._positions.differ_from(saved):
            log.warning("consumer.offsets_moved")
            self._recover_soon()

    def _compare_with_brokers(self) -> None:
        """Recover if partitions stand still although they have messages: nothing else would ever notice."""
        if self._stalls.check(self._positions, self._highs, self._reads):
            log.warning("consumer.stands_still", partitions=len(self._stalls.partitions))
            self._recover_soon()
        elif self.refusals:
            self._recover_soon()  # then the end of each partition is announced again, if it may be read now

    def _in_loop(self, work: Awaitable[T]) -> T:
        """Run `work` in the event loop and wait for its result in this thread."""
        return start_in_loop(work, self._loop).result(OFFSETS_TIMEOUT_SECONDS)

    def _on_assign(self, consumer: Consumer, assigned: list[TopicPartition]) -> None:
        partitions = [Partition(each.topic, each.partition) for each in assigned]
        try:
            saved = self._in_loop(self._load_offsets(partitions))
        except _RECOVERABLE:
            saved = None
        self.refusals.forget([self.group])  # only a member that may read with it gets partitions
        self._positions.assign({partition: (saved or {}).get(partition) for partition in partitions})
        consumer.incremental_assign([at_offset(name, self._positions.taken[name]) for name in partitions])
        # librdkafka remembers a pause beyond the assignment in which it was made
        consumer.resume(assigned)
        if saved is None or self._recover_at is not None:
            self._recover_soon()
        log.info("consumer.assigned", partitions=len(partitions), from_saved=len(saved or {}))

    def _on_revoke(self, consumer: Consumer, revoked: list[TopicPartition]) -> None:
        """Finish the batches that are being settled, so that the next member continues after it."""
        self._recover_from(self._hand_over.finish(FINISH_SECONDS))
        partitions = {Partition(each.topic, each.partition) for each in revoked}
        self._hand_over.drop(partitions)
        self._just_revoked |= partitions
        self._positions.revoke(partitions)
        forget_lag(partitions)
        self._count_out_of_range()
        consumer.incremental_unassign(revoked)
        log.info("consumer.revoked", partitions=len(revoked))

    def _recover_soon(self) -> None:
        self._hand_over.clear()
        self._consumer.pause([at_offset(partition, None) for partition in self._positions.partitions])
        self._recover_at = monotonic() + RECOVERY_PAUSE_SECONDS

    def _recover(self) -> None:
        """Continue from the saved offsets, or try again soon while database or broker are unavailable."""
        partitions = self._positions.partitions
        try:
            saved = self._in_loop(self._load_offsets(partitions))
            for partition in partitions:
                self._continue_from(partition, saved.get(partition))
        except (*_RECOVERABLE, KafkaException) as error:
            self._failures.expected("consumer.recovery_waits", error)
            self._recover_soon()
            return
        self._positions.reset(saved)
        self._count_out_of_range()
        self._recover_at = None
        self._consumer.resume([at_offset(partition, None) for partition in partitions])
        if self._seldom.may_say("recovered"):
            log.info("consumer.recovered", partitions=len(partitions))

    def _continue_from(self, partition: Partition, offset: int | None) -> None:
        position = at_offset(partition, offset)
        if partition in self._positions.out_of_range:
            # librdkafka refuses to seek in a partition whose offset was out of range
            self._consumer.incremental_unassign([position])
            self._consumer.incremental_assign([position])
        else:
            self._consumer.seek(position)

    def _on_error(self, message: Message) -> None:
        error = message.error()
        if error is None:
            return
        topic, number = partition = partition_of(message)
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's local codes begin with _
            self._positions.reach_end(partition, int(message.offset() or 0))
            self.refusals.forget([topic])
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - as above
            self._positions.out_of_range.add(partition)
            self._count_out_of_range()
            log.error("consumer.offset_out_of_range", topic=topic, partition=number, saved=message.offset())
        elif is_fatal(error):
            raise BrokerError(f"{error.str()}. {REMEDY}")
        elif self.refusals.note(topic, error):
            return
        elif self._seldom.may_say((error.name(), topic)):
            log.warning("consumer.read_failed", cause=error.str())

    def _count_out_of_range(self) -> None:
        metrics.OFFSETS_OUT_OF_RANGE.labels(self._service).set(len(self._positions.out_of_range))
