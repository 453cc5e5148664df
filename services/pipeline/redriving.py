"""Processes a service's dead letters again, here and now, with the same fold as its consumer.

A letter is settled in the transaction of what it changes, so it takes effect once, whoever else redrives, discards or
dies. One redrive of a service runs at a time, which keeps the letters of a key in their order.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.pipeline.aggregate import Aggregate
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.database import Database, Transaction
from services.pipeline.dead_letters import DeadLetter, DeadLetters, Settled, SettledAs
from services.pipeline.errors import CountersignError, StaleBatchError
from services.pipeline.lease import Lease
from services.pipeline.letter_kinds import Kind, kinds_of_open
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Partition, Record
from services.pipeline.row_filter import ALL_ROWS, RowFilter
from services.pipeline.tables import KernelTables

BATCH_LETTERS = 100
LEASE_SECONDS = 60.0
"""Longer than one batch takes; a redrive that was killed keeps others waiting for so long."""

Position = tuple[Partition, int]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which open dead letters are meant: those at `positions`, else those that `matching` lets through.

    `at_most` is how many of the latter are taken, None for all.
    """

    positions: Sequence[Position] = ()
    matching: RowFilter = ALL_ROWS
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Handled:
    """What a command did with one dead letter; `is_done` unless somebody has to look at it again."""

    place: str
    outcome: str
    why: str = ""
    is_done: bool = True


class RedrivenLetters(DeadLetters):
    """Dead letters while they are processed again: each is settled, or stays open with its new reason."""

    def __init__(self, tables: KernelTables, by: str, because: str | None = None) -> None:
        super().__init__(tables)
        self._by = by
        self._because = because

    async def conclude(self, db: Transaction, records: Sequence[Record], letters: Sequence[DeadLetter]) -> None:
        """Settle what was processed of `records`; StaleBatchError undoes it if another command was faster."""
        failed = {letter.record.position for letter in letters}
        processed = [record for record in records if record.position not in failed]
        open_count = await self.explain_again(db, letters)
        open_count += await self.settle(db, processed, SettledAs.REDRIVEN, self._by, self._because)
        if open_count != len(records):
            raise StaleBatchError("another command has settled one of these dead letters")
        await super().conclude(db, processed, ())


class DeadLetterDesk:
    """What an operator does with the dead letters of one service; each result is passed to `report` at once."""

    def __init__(
        self, service: str, database: Database, tables: KernelTables, by: str, report: Callable[[Handled], None]
    ) -> None:
        self._service = service
        self._database = database
        self._tables = tables
        self._by = by
        self._report = report
        self._letters = DeadLetters(tables)

    async def count(self, matching: RowFilter = ALL_ROWS) -> int:
        """Return how many dead letters that `matching` lets through are open."""
        async with self._database.begin() as db:
            return sum((await self._letters.count_by_reason(db, matching)).values())

    async def kinds(self, matching: RowFilter, limit: int, after: Kind | None) -> list[Kind]:
        """Return the topics and explanations of open letters, at most `limit` behind `after`, each with a position."""
        async with self._database.begin() as db:
            return await kinds_of_open(db, self._tables.dead_letter, matching, limit, after)

    async def find(self, kind: Kind) -> DeadLetter | None:
        """Return the letter at the position of `kind`."""
        async with self._database.begin() as db:
            return await self._letters.find(db, Partition(kind.topic, kind.partition), kind.offset)

    async def look(self, chosen: Chosen) -> AsyncIterator[DeadLetter]:
        """Yield the chosen letters in the order in which they would be taken, and change nothing."""
        async for letters in self._batches(chosen):
            for letter in letters:
                yield letter

    async def discard(self, chosen: Chosen, because: str) -> None:
        """Settle the chosen letters without processing them; `because` is kept with each."""
        async for letters in self._batches(chosen):
            records = [letter.record for letter in letters]
            async with self._database.begin() as db:
                await self._letters.settle(db, records, SettledAs.DISCARDED, self._by, because)
            await self._report_all(letters, SettledAs.DISCARDED)

    async def redrive(self, aggregates: Sequence[Aggregate], chosen: Chosen, because: str | None = None) -> None:
        """Process the chosen letters again in the order of their offsets; CountersignError if another redrive runs."""
        letters = RedrivenLetters(self._tables, self._by, because)
        outbox = Outbox(self._tables)
        processor = BatchProcessor(self._service, self._database, self._tables, outbox, aggregates, letters)
        async with self._exclusive() as lease:
            async for batch in self._batches(chosen):
                await self._hold(lease)
                whole = [letter for letter in batch if not letter.is_cut]
                await self._process(processor, whole)
                await self._report_all(whole, SettledAs.REDRIVEN)
                for letter in batch:
                    if letter.is_cut:
                        self._report(_cut(letter))

    async def _process(self, processor: BatchProcessor, batch: Sequence[DeadLetter]) -> None:
        """Process `batch`, letter by letter if another command has settled one of them meanwhile."""
        try:
            records = [letter.record for letter in batch]
            await processor.settle(Batch.without_offsets(records), processor.decode(records))
        except StaleBatchError:
            for letter in batch if len(batch) > 1 else ():
                await self._process(processor, [letter])

    async def _batches(self, chosen: Chosen) -> AsyncIterator[Sequence[DeadLetter]]:
        """Yield the chosen open letters in the order of their offsets, each once."""
        if chosen.positions:
            yield await self._at(chosen.positions)
            return
        after, left = ("", 0, 0), chosen.at_most
        while left is None or left > 0:
            size = BATCH_LETTERS if left is None else min(left, BATCH_LETTERS)
            async with self._database.begin() as db:
                letters = await self._letters.oldest_open(db, after, size, chosen.matching)
            if not letters:
                return
            last = letters[-1].record
            after, left = (*last.partition, last.offset), None if left is None else left - len(letters)
            yield letters

    async def _at(self, positions: Sequence[Position]) -> list[DeadLetter]:
        """Return the open letters at `positions`, and report those that are not there or not open."""
        found = []
        async with self._database.begin() as db:
            for partition, offset in sorted(set(positions)):
                letter = await self._letters.find(db, partition, offset)
                if letter is None or letter.settled is not None:
                    self._report(_not_open(partition, offset, letter))
                else:
                    found.append(letter)
        return found

    async def _report_all(self, letters: Sequence[DeadLetter], wanted: SettledAs) -> None:
        """Report what the rows of `letters` say now."""
        for letter in letters:
            async with self._database.begin() as db:
                now = await self._letters.find(db, letter.record.partition, letter.record.offset)
            self._report(_outcome(letter, now, wanted))

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[Lease]:
        """Provide the service's lease for redriving, and release it at the end."""
        lease = Lease.of_this_process(self._database, self._tables, "redrive", LEASE_SECONDS)
        await self._hold(lease)
        try:
            yield lease
        finally:
            await lease.release()

    async def _hold(self, lease: Lease) -> None:
        if not await lease.hold():
            raise CountersignError(
                f"Another redrive of {self._service} is under way. If it was killed, wait {LEASE_SECONDS:.0f} s."
            )


def _not_open(partition: Partition, offset: int, letter: DeadLetter | None) -> Handled:
    place = f"{partition.topic}/{partition.number}/{offset}"
    if letter is None or letter.settled is None:
        return Handled(place, "not found", "There is no dead letter at this place.", is_done=False)
    return _settled_otherwise(letter, letter.settled)


def _cut(letter: DeadLetter) -> Handled:
    why = "Only the beginning of the message was kept. Have it sent again, smaller, and discard this one."
    return Handled(letter.record.position, "failed again", why, is_done=False)


def _outcome(letter: DeadLetter, now: DeadLetter | None, wanted: SettledAs) -> Handled:
    if now is None or (now.settled and now.settled.how is wanted):
        return Handled(letter.record.position, wanted.value)
    if now.settled:
        return _settled_otherwise(now, now.settled)
    return Handled(letter.record.position, "failed again", f"{now.reason}: {now.why}", is_done=False)


def _settled_otherwise(letter: DeadLetter, settled: Settled) -> Handled:
    why = f"It was {settled.how} by {settled.by} at {settled.at.isoformat(timespec='seconds')}."
    return Handled(letter.record.position, "not open", why, is_done=False)
