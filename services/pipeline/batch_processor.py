"""Processes a batch of messages: decode, fold into states, and save all results and offsets in one transaction."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from time import perf_counter

import structlog

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline import metrics
from services.pipeline.aggregate import Aggregate
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction, is_lock_timeout, may_succeed_later
from services.pipeline.dead_letters import HANDLER_FAILED, DeadLetter, DeadLetters, dead_letter_of
from services.pipeline.decoding import DecodedBatch, Reply, decode_batch, replied
from services.pipeline.errors import DefectError, OvertakenError, RowAppearedError
from services.pipeline.fold import Fold, Folded
from services.pipeline.offsets import Offsets
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Record
from services.pipeline.slices import mapped
from services.pipeline.tables import KernelTables
from services.pipeline.tracebacks import named
from services.pipeline.traced_batch import TracedBatch
from services.pipeline.turns import Touched, Turn, Turns
from services.pipeline.writes import Writes

MAX_FAILURES_IN_A_ROW = 100
MAX_LOCKED_PARTITIONS = 4
"""After so many lock time-outs the batch is read again, so that the consumer does not stand still for long."""

log = structlog.get_logger()


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
        reply: Reply = lambda *_: None,
    ) -> None:
        self._service = service
        self._database = database
        self._outbox = outbox
        self._aggregates = aggregates
        self._offsets = Offsets(tables)
        self._turns = Turns()
        # an operator who redrives dead letters knows that they have failed
        self._failures = _FailureStreak(0, None if dead_letters else MAX_FAILURES_IN_A_ROW)
        self._reply = reply
        self.decode = partial(decode_batch, reply=reply, is_redrive=dead_letters is not None)
        self._dead_letters = dead_letters or DeadLetters(tables)

    async def settle(self, batch: Batch, decoded: DecodedBatch) -> None:
        """Process `batch`, of which `decoded` was made; an event that breaks its transaction becomes a dead letter.

        Raises StaleBatchError or a database error if reading on from the saved offsets may succeed, and DefectError
        if so many events in a row fail that our code must be at fault.
        """
        turns = self._turns if batch.begins else Turns()  # without offsets, no batch comes after another one
        with turns.next(self._touched(decoded)) as turn:
            await self._settle(batch, decoded, turn)

    def _touched(self, decoded: DecodedBatch) -> Touched:
        topics = {event.data.topic for _, event in decoded.events}
        kinds = [each for each in self._aggregates if not topics.isdisjoint(each.topics)]
        kind = kinds[0].name if len(kinds) == 1 and kinds[0].is_independent else None
        return Touched(kind, frozenset(event.subject for _, event in decoded.events))

    async def _settle(self, batch: Batch, decoded: DecodedBatch, turn: Turn) -> None:
        try:
            await self._commit(batch, decoded, turn)
        except Exception as error:
            await turn.wait_to_retry()
            if isinstance(error, RowAppearedError | OvertakenError):
                await self._settle(batch, decoded, turn)
            elif batch.records and (_is_fault_of_an_event(error) or is_lock_timeout(error)):
                log.warning("consumer.batch_split", records=len(batch.records), cause=named(error))
                await self._settle_split(batch, error)
            else:
                raise

    async def _settle_split(self, batch: Batch, error: Exception) -> None:
        """Process each partition on its own, and in pieces; one whose next event is locked must be read again."""
        locked: list[Exception] = []
        for part in batch.by_partition():
            try:
                await self._settle_pieces(part, error)
            except Exception as error_of_part:
                if not is_lock_timeout(error_of_part):
                    raise
                locked.append(error_of_part)
                if len(locked) == MAX_LOCKED_PARTITIONS:
                    break
        if locked:
            raise locked[0]

    async def _settle_pieces(self, part: Batch, error: Exception) -> None:
        """Process `part`, which failed with `error`: event by event up to one that is locked, otherwise in halves."""
        for piece in part.one_by_one() if is_lock_timeout(error) else part.halves():
            await self._settle_piece(piece)

    async def _settle_piece(self, piece: Batch) -> None:
        try:
            await self._commit(piece, await asyncio.to_thread(self.decode, piece.records))
        except RowAppearedError:
            await self._settle_piece(piece)
        except Exception as error:
            is_alone, is_fault = len(piece.records) == 1, _is_fault_of_an_event(error)
            if is_alone and is_fault:
                await self._commit(piece, self._set_aside(piece.records[0], error))
            elif not is_alone and (is_fault or is_lock_timeout(error)):
                await self._settle_pieces(piece, error)
            else:
                raise

    def _set_aside(self, record: Record, error: Exception) -> DecodedBatch:
        """Return a batch in which `record` is a dead letter because of `error`, whatever it says."""
        letter = dead_letter_of(record, error)
        told = replied(self._reply, record, letter)
        return DecodedBatch([], [letter], [told] if told else [])

    async def _commit(self, batch: Batch, decoded: DecodedBatch, turn: Turn | None = None) -> None:
        if turn:
            await turn.wait_to_load()
        started = perf_counter()
        writes = Writes()
        traced = TracedBatch(self._service, decoded)
        decoded = traced.decoded
        async with self._database.begin() as db:
            now = self._database.clock()
            folded = await self._fold(db, writes, decoded, now)
            letters = [*decoded.unreadable, *_refused(folded, decoded)]
            published = await self._outbox.write(
                writes, [*(event for each in folded for event in each.publish), *decoded.replies]
            )
            if turn:
                await turn.wait_to_write()
            failures = self._failures.after(batch.records, letters)
            await self._dead_letters.conclude(db, batch.records, letters)
            self._offsets.advance(writes, batch)
            await writes.execute(db)
            crash_at(f"{self._service}.before_commit")
        crash_at(f"{self._service}.after_commit")
        self._failures = failures
        self._outbox.hand_over(published)
        traced.end(folded)
        metrics.BATCH_SECONDS.labels(self._service).observe(perf_counter() - started)
        self._count_events(folded, now)
        self._report(letters)
        self._report_odd(event for _, event in decoded.events if event.data.not_understood)

    async def _fold(
        self, db: Transaction, writes: Writes, decoded: DecodedBatch, now: datetime
    ) -> Sequence[Folded[object, object]]:
        """Load all states before any is saved, so that all transactions lock rows in the same order."""
        all_folded: list[tuple[Aggregate, Folded[object, object]]] = []
        for aggregate in self._aggregates:
            events = [event for _, event in decoded.events if event.data.topic in aggregate.topics]
            if events:
                states = await aggregate.store.load(db, sorted({event.subject for event in events}))
                folding = Fold(aggregate.handlers, states, now)
                await mapped(folding.apply, events)
                all_folded.append((aggregate, folding.result()))
        for aggregate, folded in all_folded:
            if folded.changes:
                folded.publish.extend(await aggregate.store.save(db, writes, folded.changes) or ())
        return [folded for _, folded in all_folded]

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
            about = {"reason": letter.reason, "topic": topic, "partition": partition, "offset": letter.record.offset}
            if letter.is_read_safely:
                log.error("consumer.rights_removed", person_id=(letter.record.key or b"").decode(), **about)
            else:
                log.warning("consumer.dead_lettered", **about)

    def _report_odd(self, events: Iterable[Event[EventData]]) -> None:
        for event in events:
            topic, odd = event.data.topic, event.data.not_understood
            metrics.PARTLY_READ.labels(self._service, topic).inc()
            log.warning("consumer.partly_read", topic=topic, person_id=event.subject, not_understood=odd)


def _is_fault_of_an_event(error: Exception) -> bool:
    return not (isinstance(error, DefectError) or may_succeed_later(error))


@dataclass(frozen=True, slots=True)
class _FailureStreak:
    """How many events in a row our own code has failed on: a few are odd events, very many are a faulty release."""

    length: int
    limit: int | None

    def after(self, records: Sequence[Record], letters: Sequence[DeadLetter]) -> "_FailureStreak":
        """The streak after `records`, of which `letters` failed; DefectError if it is longer than the limit."""
        failed = {
            id(letter.record): letter for letter in letters if letter.reason == HANDLER_FAILED and not letter.is_of_row
        }
        if not failed:
            return replace(self, length=0) if records else self
        length = self.length
        for record in records:
            letter = failed.get(id(record))
            length = length + 1 if letter else 0
            if letter and self.limit is not None and length > self.limit:
                raise DefectError(
                    f"{self.limit} events in a row failed in Countersign's own code, the last one with "
                    f"{letter.why.partition(':')[0]}. Deploy a release without the defect, then redrive dead letters."
                )
        return replace(self, length=length)


def _refused(folded: Sequence[Folded[object, object]], decoded: DecodedBatch) -> list[DeadLetter]:
    records = {id(event): record for record, event in decoded.events}
    return [dead_letter_of(records[id(event)], error) for each in folded for event, error in each.refused]
