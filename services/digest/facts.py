"""Makes facts of messages, whatever it takes: waits for a database that is away, sets aside what can be no fact."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, repeat

import structlog

from services.digest.storage import store
from services.digest.storage.tables import KERNEL
from services.pipeline import metrics
from services.pipeline.batch_processor import DecodedBatch, decode_batch
from services.pipeline.crash import crash_at
from services.pipeline.database import DATABASE_ERRORS, Database, is_data_error
from services.pipeline.dead_letters import DeadLetter, DeadLetters, dead_letter_of
from services.pipeline.records import Record

SERVICE = "digest"

log = structlog.get_logger()


class Facts:
    """Settles records in the digest's database; no exception leaves it but the cancellation of its task."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dead_letters = DeadLetters(KERNEL)

    async def settle(self, records: Sequence[Record]) -> None:
        """Return once each record is a fact or a dead letter, however long the database is away."""
        await self._settle(decode_batch(records))

    async def _settle(self, decoded: DecodedBatch) -> None:
        for pause_seconds in _pauses():
            try:
                await self._commit(decoded)
            except Exception as error:  # noqa: BLE001 - what leaves an agent of Faust, Faust drops
                if not _is_passing(error) and decoded.events:
                    await self._settle_apart(decoded, error)
                    return
                log.warning("facts.wait", cause=type(error).__name__, records=len(decoded.events))
                await asyncio.sleep(pause_seconds)
            else:
                return

    async def _settle_apart(self, decoded: DecodedBatch, error: Exception) -> None:
        """Settle each event alone, so that only the one that breaks its transaction becomes a dead letter."""
        if len(decoded.events) == 1:
            letter = dead_letter_of(decoded.events[0][0], error)
            await self._settle(DecodedBatch([], [*decoded.unreadable, letter]))
            return
        log.warning("facts.batch_split", cause=type(error).__name__, records=len(decoded.events))
        await self._settle(DecodedBatch([], decoded.unreadable))
        for event in decoded.events:
            await self._settle(DecodedBatch([event], []))

    async def _commit(self, decoded: DecodedBatch) -> None:
        async with self._database.begin() as db:
            changed, foreign = await store.project(db, decoded.events)
            letters = [*decoded.unreadable, *foreign]
            await self._dead_letters.add(db, letters)
            crash_at("digest.before_commit")
        crash_at("digest.after_commit")
        _count(decoded, changed, letters)


def _pauses() -> Iterator[float]:
    return chain((0.2, 0.5, 1.0, 2.0), repeat(5.0))


def _is_passing(error: Exception) -> bool:
    return isinstance(error, DATABASE_ERRORS) and not is_data_error(error)


def _count(decoded: DecodedBatch, changed: int, letters: Sequence[DeadLetter]) -> None:
    """Count what a transaction did; all its records are of one topic."""
    for letter in letters:
        place = letter.record.partition
        metrics.EVENTS.labels(SERVICE, place.topic, "dead_lettered").inc()
        log.warning(
            "facts.dead_letter",
            reason=letter.reason,
            topic=place.topic,
            partition=place.number,
            offset=letter.record.offset,
        )
    if decoded.events:
        topic = decoded.events[0][1].data.topic
        unchanged = len(decoded.events) + len(decoded.unreadable) - len(letters) - changed
        metrics.EVENTS.labels(SERVICE, topic, "applied").inc(changed)
        metrics.EVENTS.labels(SERVICE, topic, "unchanged").inc(unchanged)
        now = datetime.now(UTC)
        for _, event in decoded.events:
            age_seconds = max((now - event.time).total_seconds(), 0.0)
            metrics.EVENT_AGE_SECONDS.labels(SERVICE, topic).observe(age_seconds)
