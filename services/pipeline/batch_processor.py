"""Turns a batch of messages into facts: decode, fold, and save everything with the offsets in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

import structlog
from sqlalchemy.exc import DBAPIError

from schemas.envelope import Event, UnreadableError, decode
from schemas.events import EventData
from services.pipeline import metrics
from services.pipeline.aggregate import Aggregate
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction
from services.pipeline.dead_letters import DeadLetter, DeadLetters, refused
from services.pipeline.fold import Folded, fold
from services.pipeline.offsets import Offsets
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Record
from services.pipeline.tables import KernelTables

_DATA_ERROR_CLASSES = ("22", "23", "54")
"""SQLSTATE classes of data that the database refuses: the fault of an event, which no repetition mends."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """A batch after decoding: events with the records that they came from, and what could not be read."""

    events: Sequence[tuple[Record, Event[EventData]]]
    unreadable: Sequence[DeadLetter]


def decode_batch(records: Sequence[Record]) -> DecodedBatch:
    """Decode every record; one that is no event of ours becomes a dead letter."""
    events: list[tuple[Record, Event[EventData]]] = []
    unreadable: list[DeadLetter] = []
    for record in records:
        try:
            event = decode(record.partition.topic, record.key, record.value, record.headers, record.at)
        except UnreadableError as error:
            unreadable.append(DeadLetter(record, error.reason, str(error)))
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
        on_settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._service = service
        self._database = database
        self._outbox = outbox
        self._aggregates = aggregates
        self._on_settled = on_settled
        self._offsets = Offsets(tables)
        self._dead_letters = DeadLetters(tables)

    async def settle(self, batch: Batch) -> None:
        """Make facts of `batch`, or raise StaleBatchError or the database's error with nothing changed."""
        decoded = decode_batch(batch.records)
        try:
            await self._settle(batch, decoded)
        except DBAPIError as error:
            if not is_data_error(error):
                raise
            await self._settle_one_by_one(batch, error)

    async def _settle(self, batch: Batch, decoded: DecodedBatch) -> None:
        started = perf_counter()
        now = datetime.now(UTC)
        async with self._database.begin() as db:
            folded = [each for each in [await self._fold(db, a, decoded, now) for a in self._aggregates] if each]
            letters = [*decoded.unreadable, *_refusals(folded, decoded)]
            await self._outbox.add(db, [event for each in folded for event in each.publish])
            await self._dead_letters.add(db, letters)
            await self._offsets.advance(db, batch)
            crash_at(f"{self._service}.before_commit")
        crash_at(f"{self._service}.after_commit")
        self._outbox.wake()
        self._on_settled()
        metrics.BATCH_SECONDS.labels(self._service).observe(perf_counter() - started)
        self._count(folded, letters, now)

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

    async def _settle_one_by_one(self, batch: Batch, cause: DBAPIError) -> None:
        """Settle each record alone, so that only the one that the database refuses becomes a dead letter."""
        log.warning("consumer.batch_split", records=len(batch.records), cause=type(cause.orig).__name__)
        begins = dict(batch.begins)
        for record in batch.records:
            ends = {record.partition: record.offset + 1}
            single = Batch([record], {record.partition: begins[record.partition]}, ends)
            await self._settle_single(single, record)
            begins.update(ends)

    async def _settle_single(self, single: Batch, record: Record) -> None:
        try:
            await self._settle(single, decode_batch([record]))
        except DBAPIError as error:
            if not is_data_error(error):
                raise
            why = f"The database refuses it: {str(error.orig).splitlines()[0]}"
            await self._settle(single, DecodedBatch([], [DeadLetter(record, "schema", why)]))

    def _count(self, folded: Sequence[Folded[object, object]], letters: Sequence[DeadLetter], now: datetime) -> None:
        for event, is_changed in (outcome for each in folded for outcome in each.outcomes):
            outcome = "applied" if is_changed else "unchanged"
            metrics.EVENTS.labels(self._service, event.data.topic, outcome).inc()
            age_seconds = max((now - event.time).total_seconds(), 0.0)
            metrics.EVENT_AGE_SECONDS.labels(self._service, event.data.topic).observe(age_seconds)
        for letter in letters:
            metrics.EVENTS.labels(self._service, letter.record.partition.topic, "dead_lettered").inc()
            place = letter.record.partition
            log.warning(
                "consumer.dead_letter",
                reason=letter.reason,
                topic=place.topic,
                partition=place.number,
                offset=letter.record.offset,
            )


def _refusals(folded: Sequence[Folded[object, object]], decoded: DecodedBatch) -> list[DeadLetter]:
    records = {id(event): record for record, event in decoded.events}
    return [refused(records[id(event)], error) for each in folded for event, error in each.refused]


def is_data_error(error: DBAPIError) -> bool:
    """Whether the database refuses the data of a statement, which no repetition mends."""
    state = getattr(error.orig, "sqlstate", None)
    return isinstance(state, str) and state[:2] in _DATA_ERROR_CLASSES
