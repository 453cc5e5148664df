"""Batches fail at any step, two at a time: each event takes effect once, in its order, and nothing stands still."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.events import CommitmentRetrieved
from services.pipeline.broker import fetched
from services.pipeline.broker.hand_over import MAX_SETTLING, HandOver
from services.pipeline.broker.positions import Positions
from services.pipeline.database import DATABASE_ERRORS
from services.pipeline.decoding import DecodedBatch, decode_batch
from services.pipeline.errors import RowAppearedError, StaleBatchError
from services.pipeline.fold import StateChange
from services.pipeline.offsets import Offsets
from services.pipeline.records import Partition, Record
from services.pipeline.writes import Writes
from tests.integration.pipeline.counting_service import (
    FORBIDDEN_REVISION,
    CountingService,
    RetrieveCount,
    RetrieveCountStore,
    retrieve_event,
)
from tests.integration.pipeline.test_splitting import dead_letters, processor_of

PLACES = [Partition(CommitmentRetrieved.topic, number) for number in range(3)]
EVENTS, KEYS, SMALL_BATCH = 300, 60, 6
FAULTS, FAULT_CHANCE = 40, 0.1


class FaultyStore(RetrieveCountStore):
    """Fails by chance before and after it loads, and after it has added or executed its writes."""

    def __init__(self, service: CountingService, chance: Random) -> None:
        super().__init__(service.tables)
        self._chance = chance
        self.faults = 0

    async def load(self, db: AsyncConnection, keys: Sequence[str]) -> Mapping[str, RetrieveCount]:
        await self._fail_perhaps(db)
        states = await super().load(db, keys)
        await self._fail_perhaps(db)
        return states

    async def save(
        self, db: AsyncConnection, writes: Writes, changes: Sequence[StateChange[RetrieveCount, int]]
    ) -> None:
        await super().save(db, writes, changes)
        if self._chance.random() < 0.3:  # as a store does whose events follow from its rows
            await writes.execute(db)
        await self._fail_perhaps(db)

    async def _fail_perhaps(self, db: AsyncConnection) -> None:
        if self.faults == FAULTS or self._chance.random() > FAULT_CHANCE:
            return
        self.faults += 1
        fault = self._chance.choice(
            ["appeared", "lost", "set local lock_timeout = 1", "set local statement_timeout = 1"]
        )
        if fault == "appeared":
            raise RowAppearedError(fault)
        await db.execute(text("select pg_terminate_backend(pg_backend_pid())" if fault == "lost" else fault))


class Topic:
    """Three partitions of retrieves, a few of which are bad, and what they must lead to."""

    def __init__(self, chance: Random) -> None:
        self.records: dict[Partition, list[Record]] = {place: [] for place in PLACES}
        self.counted: dict[str, list[int]] = {}
        self.bad = 0
        for _ in range(EVENTS):
            number, revision = chance.randrange(KEYS), chance.randint(1, 600)
            is_defect = chance.random() < 0.03
            self._add(f"k{number}", PLACES[number % len(PLACES)], revision, is_defect=is_defect)

    def _add(self, key: str, place: Partition, revision: int, *, is_defect: bool) -> None:
        if is_defect:
            revision = FORBIDDEN_REVISION
        value = retrieve_event(key, revision)
        self.records[place].append(Record(place, len(self.records[place]), key.encode(), value, (), datetime.now(UTC)))
        counted = self.counted.setdefault(key, [])
        if is_defect:
            self.bad += 1
        elif revision > max(counted, default=0):
            counted.append(revision)


class Member:
    """Reads a topic as the consumer's thread does: hands over, collects, and recovers from the saved offsets."""

    def __init__(self, service: CountingService, store: FaultyStore, chance: Random) -> None:
        self._chance = chance
        self._database = service.database
        self._offsets = Offsets(service.tables.kernel)
        self._positions = Positions()
        self._positions.assign(dict.fromkeys(PLACES))
        processor = processor_of(service, store, is_independent=True)
        self._hand_over: HandOver[DecodedBatch] = HandOver(self._positions, decode_batch, processor.settle)
        self._next = dict.fromkeys(PLACES, 0)
        self.most_settling = self.recoveries = 0

    async def read(self, records: Mapping[Partition, Sequence[Record]]) -> None:
        """Read all `records`."""
        while True:
            self._read_some(records)
            self._hand_over.prepare()
            self._hand_over.submit(asyncio.get_running_loop())
            settling = len(self._hand_over._settling)
            self.most_settling = max(self.most_settling, settling)
            if not settling and not self._hand_over.has_waiting:
                return
            await asyncio.sleep(0.002)
            if (error := self._hand_over.collect(0)) is not None:
                assert isinstance(error, (StaleBatchError, *DATABASE_ERRORS))
                await self._recover()

    def _read_some(self, records: Mapping[Partition, Sequence[Record]]) -> None:
        for _ in range(self._hand_over.room):
            unread = [place for place in PLACES if self._next[place] < len(records[place])]
            if unread:
                place = self._chance.choice(unread)
                self._hand_over.add([records[place][self._next[place]]])
                self._next[place] += 1

    async def _recover(self) -> None:
        self.recoveries += 1
        self._hand_over.clear()
        while self._hand_over.settling:
            await asyncio.to_thread(self._hand_over.collect, 1)
        saved = await self.saved()
        self._positions.reset(saved)
        self._next = {place: saved.get(place, 0) for place in PLACES}

    async def saved(self) -> Mapping[Partition, int]:
        """The saved offsets."""
        return await self._offsets.load(self._database, PLACES)


@pytest.mark.parametrize("seed", range(3))
async def test_each_event_takes_effect_once_whatever_fails(
    service: CountingService, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched, "BATCH_RECORDS", SMALL_BATCH)
    chance = Random(seed)  # noqa: S311 - a test repeats the same faults
    topic, store = Topic(chance), FaultyStore(service, chance)
    member = Member(service, store, chance)

    async with asyncio.timeout(40):
        await member.read(topic.records)

    assert (min(store.faults, 10), member.most_settling) == (10, MAX_SETTLING)
    assert member.recoveries
    assert await member.saved() == {place: len(records) for place, records in topic.records.items()}
    expected = {key: revisions for key, revisions in topic.counted.items() if revisions}
    assert await published(service) == expected
    counts = await service.counts("")
    assert {key: counts[key].count for key in expected} == {key: len(each) for key, each in expected.items()}
    assert len(await dead_letters(service)) == topic.bad


async def published(service: CountingService) -> dict[str, list[int]]:
    """Return the revisions of the events in the outbox, by key, in their order."""
    outbox = service.tables.kernel.outbox.c
    found: dict[str, list[int]] = {}
    async with service.database.begin() as db:
        for key, event in await db.execute(select(outbox.key, outbox.value).order_by(outbox.id)):
            found.setdefault(key, []).append(json.loads(event)["data"]["revision"])
    return found
