"""Processes a batch of messages: decode, fold into states, and save all results and offsets in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

import structlog

from schemas.envelope import Event, UnreadableError, decode
from schemas.events import EventData
from services.pipeline import metrics
from services.pipeline.aggregate import Aggregate
from services.pipeline.clock import utc_now
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction, may_succeed_later
from services.pipeline.dead_letters import DeadLetter, DeadLetters, dead_letter_of
from services.pipeline.errors import StaleBatchError
from services.pipeline.fold import Folded, fold
from services.pipeline.offsets import Offsets
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Record
from services.pipeline.tables import KernelTables

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """A batch after decoding: events with the records that they came from, and what could not be read."""

    events: Sequence[tuple[Record, Event[EventData]]]
    unreadable: Sequence[DeadLetter]


def decode_batch(records: Sequence[Record]) -> DecodedBatch:
    """Decode every record; one that is not a valid event becomes a dead letter."""
    events: list[tuple[Record, Event[EventData]]] = []
    unreadable: list[DeadLetter] = []
    for record in records:
        try:
            event = decode(record.partition.topic, record.key, record.value, record.headers, record.at)
        except UnreadableError as error:
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
        self._dead_letters = dead_letters or DeadLetters(tables)

    async def settle(self, batch: Batch) -> None:
        """Process `batch`; an event that breaks its transaction becomes a dead letter, and the others are applied.

        Raises StaleBatchError or a database error if reading on from the saved offsets may succeed.
        """
        try:
            await self._commit(batch, decode_batch(batch.records))
        except Exception as error:
            if _may_pass(error):
                raise
            log.warning("consumer.batch_split", records=len(batch.records), cause=type(error).__name__)
            for single in batch.one_by_one():
                await self._settle_alone(single, single.records[0])

    async def _settle_alone(self, single: Batch, record: Record) -> None:
        try:
            await self._commit(single, decode_batch([record]))
        except Exception as error:
            if _may_pass(error):
                raise
            await self._commit(single, DecodedBatch([], [dead_letter_of(record, error)]))

    async def _commit(self, batch: Batch, decoded: DecodedBatch) -> None:
        started = perf_counter()
        now = utc_now()
        async with self._database.begin() as db:
            folded = [each for each in [await self._fold(db, a, decoded, now) for a in self._aggregates] if each]
            letters = [*decoded.unreadable, *_refused(folded, decoded)]
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
        folded = fold(aggregate.handlers, states, events, now)
        if folded.changes:
            folded.publish.extend(await aggregate.store.save(db, folded.changes) or ())
        return folded

    def _count_events(self, folded: Sequence[Folded[object, object]], now: datetime) -> None:
        for event, is_changed in (outcome for each in folded for outcome in each.outcomes):
            outcome = "applied" if is_changed else "unchanged"
            metrics.EVENTS.labels(self._service, event.data.topic, outcome).inc()
            age_seconds = max((now - event.time).total_seconds(), 0.0)
            metrics.EVENT_AGE_SECONDS.labels(self._service, event.data.topic).observe(age_seconds)

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


def _may_pass(error: Exception) -> bool:
    """Whether the same batch may succeed when it is read again, so that none of its events is at fault."""
    return isinstance(error, StaleBatchError) or may_succeed_later(error)


def _refused(folded: Sequence[Folded[object, object]], decoded: DecodedBatch) -> list[DeadLetter]:
    records = {id(event): record for record, event in decoded.events}
    return [dead_letter_of(records[id(event)], error) for each in folded for event, error in each.refused]
