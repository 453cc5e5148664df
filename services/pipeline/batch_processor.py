"""Processes a batch of messages: decode, fold into states, and save all results and offsets in one transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

import structlog

from schemas.envelope import Event, decode
from schemas.events import EventData
from services.pipeline import metrics
from services.pipeline.aggregate import Aggregate
from services.pipeline.clock import utc_now
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction, is_lock_timeout, may_succeed_later
from services.pipeline.dead_letters import HANDLER_FAILED, DeadLetter, DeadLetters, dead_letter_of
from services.pipeline.errors import DefectError, RowAppearedError
from services.pipeline.fold import Fold, Folded
from services.pipeline.offsets import Offsets
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Record
from services.pipeline.slices import mapped
from services.pipeline.tables import KernelTables

MAX_FAILURES_IN_A_ROW = 100

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """A batch after decoding: events with the records that they came from, and what could not be read."""

    events: Sequence[tuple[Record, Event[EventData]]]
    unreadable: Sequence[DeadLetter]


def decode_batch(records: Sequence[Record]) -> DecodedBatch:
    """Decode every record; one that is not a valid event, or cannot be decoded at all, becomes a dead letter."""
    events: list[tuple[Record, Event[EventData]]] = []
    unreadable: list[DeadLetter] = []
    for record in records:
        try:
            event = decode(record.partition.topic, record.key, record.value, record.headers, record.at)
        except Exception as error:  # noqa: BLE001 - no message may end the consumer, which would read it again
            unreadable.append(dead_letter_of(record, error))
        else:
            events.append((record, event))
    return DecodedBatch(events, unreadable)


class BatchProcessor:
    """Settles batches for the aggregates of one service."""

    def __init__(
        self,
        service: str,
        database: Database,
        tables: KernelTables,
        outbox: Outbox,
        aggregates: Sequence[Aggregate],
        dead_letters: DeadLetters | None = None,
    ) -> None:
        self._service = service
        self._database = database
        self._outbox = outbox
        self._aggregates = aggregates
        self._offsets = Offsets(tables)
        self._failures = _FailureStreak()
        self._dead_letters = dead_letters or DeadLetters(tables)

    async def settle(self, batch: Batch, decoded: DecodedBatch) -> None:
        """Process `batch`, of which `decoded` was made; an event that breaks its transaction becomes a dead letter.

        Raises StaleBatchError or a database error if reading on from the saved offsets may succeed, and DefectError
        if so many events in a row fail that our code must be at fault.
        """
        try:
            await self._commit(batch, decoded)
        except RowAppearedError:
            await self.settle(batch, decoded)
        except Exception as error:
            if not (_is_fault_of_an_event(error) or is_lock_timeout(error)):
                raise
            log.warning("consumer.batch_split", records=len(batch.records), cause=type(error).__name__)
            await self._settle_split(batch)

    async def _settle_split(self, batch: Batch) -> None:
        """Process each partition on its own, event by event; one whose next event is locked must be read again."""
        locked: Exception | None = None
        for part in batch.by_partition():
            try:
                for single in part.one_by_one():
                    await self._settle_alone(single, single.records[0])
            except Exception as error:
                if not is_lock_timeout(error):
                    raise
                locked = error
        if locked is not None:
            raise locked

    async def _settle_alone(self, single: Batch, record: Record) -> None:
        try:
            await self._commit(single, decode_batch([record]))
        except RowAppearedError:
            await self._settle_alone(single, record)
        except Exception as error:
            if not _is_fault_of_an_event(error):
                raise
            await self._commit(single, DecodedBatch([], [dead_letter_of(record, error)]))

    async def _commit(self, batch: Batch, decoded: DecodedBatch) -> None:
        started = perf_counter()
        now = utc_now()
        async with self._database.begin() as db:
            folded = [each for each in [await self._fold(db, a, decoded, now) for a in self._aggregates] if each]
            letters = [*decoded.unreadable, *_refused(folded, decoded)]
            self._failures.count(letters, applied=sum(len(each.outcomes) for each in folded))
            await self._outbox.add(db, [event for each in folded for event in each.publish])
            await self._dead_letters.conclude(db, batch.records, letters)
            await self._offsets.advance(db, batch)
            crash_at(f"{self._service}.before_commit")
        crash_at(f"{self._service}.after_commit")
        self._outbox.wake()
        metrics.BATCH_SECONDS.labels(self._service).observe(perf_counter() - started)
        self._count_events(folded, now)
        self._report(letters)

    async def _fold(
        self, db: Transaction, aggregate: Aggregate, decoded: DecodedBatch, now: datetime
    ) -> Folded[object, object] | None:
        events = [event for _, event in decoded.events if event.data.topic in aggregate.topics]
        if not events:
            return None
        states = await aggregate.store.load(db, sorted({event.subject for event in events}))
        folding = Fold(aggregate.handlers, states, now)
        await mapped(folding.apply, events)
        folded = folding.result()
        if folded.changes:
            folded.publish.extend(await aggregate.store.save(db, folded.changes) or ())
        return folded

    def _count_events(self, folded: Sequence[Folded[object, object]], now: datetime) -> None:
        outcomes = [outcome for each in folded for outcome in each.outcomes]
        counts = Counter((event.data.topic, is_changed) for event, is_changed in outcomes)
        for (topic, is_changed), count in counts.items():
            metrics.EVENTS.labels(self._service, topic, "applied" if is_changed else "unchanged").inc(count)
        age_of = {topic: metrics.EVENT_AGE_SECONDS.labels(self._service, topic) for topic, _ in counts}
        for event, _ in outcomes:
            age_of[event.data.topic].observe(max((now - event.time).total_seconds(), 0.0))

    def _report(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            topic, partition = letter.record.partition
            metrics.EVENTS.labels(self._service, topic, "dead_lettered").inc()
            log.warning(
                "consumer.dead_letter",
                reason=letter.reason,
                topic=topic,
                partition=partition,
                offset=letter.record.offset,
            )


def _is_fault_of_an_event(error: Exception) -> bool:
    return not (isinstance(error, DefectError) or may_succeed_later(error))


class _FailureStreak:
    """Counts events in a row that our own code failed on: a few are odd events, very many are a faulty release."""

    def __init__(self) -> None:
        self._length = 0

    def count(self, letters: Sequence[DeadLetter], applied: int) -> None:
        """Count the events of one transaction; DefectError before it would make one dead letter too many."""
        failed = sum(letter.reason == HANDLER_FAILED for letter in letters)
        self._length = failed if applied else self._length + failed
        if self._length > MAX_FAILURES_IN_A_ROW:
            raise DefectError(
                f"{MAX_FAILURES_IN_A_ROW} events in a row failed in Countersign's own code, the last one with "
                f"{letters[-1].why!r}. Deploy a release without the defect, then redrive the dead letters."
            )


def _refused(folded: Sequence[Folded[object, object]], decoded: DecodedBatch) -> list[DeadLetter]:
    records = {id(event): record for record, event in decoded.events}
    return [dead_letter_of(records[id(event)], error) for each in folded for event, error in each.refused]
