"""Batches that are settled side by side end as if they had been settled one after the other."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.events import CommitmentRetrieved
from services.pipeline.decoding import decode_batch
from services.pipeline.errors import StaleBatchError
from services.pipeline.fold import StateChange
from services.pipeline.offsets import Offsets
from services.pipeline.records import Batch, Partition, Record, batch_of
from services.pipeline.writes import Writes
from tests.integration.pipeline.counting_service import (
    FORBIDDEN_REVISION,
    CountingService,
    RetrieveCount,
    RetrieveCountStore,
    retrieve_event,
)
from tests.integration.pipeline.test_splitting import dead_letters, processor_of
from tests.locking import waiting_sessions
from tests.waiting import eventually

PLACE = Partition(CommitmentRetrieved.topic, 0)


class NotingStore(RetrieveCountStore):
    """Notes which keys were loaded; loses its connection when it saves the key "lost"."""

    def __init__(self, service: CountingService) -> None:
        super().__init__(service.tables)
        self.loads: list[list[str]] = []

    async def load(self, db: AsyncConnection, keys: Sequence[str]) -> Mapping[str, RetrieveCount]:
        self.loads.append(list(keys))
        return await super().load(db, keys)

    async def save(
        self, db: AsyncConnection, writes: Writes, changes: Sequence[StateChange[RetrieveCount, int]]
    ) -> None:
        await super().save(db, writes, changes)
        if "lost" in [change.key for change in changes]:
            await db.execute(text("select pg_terminate_backend(pg_backend_pid())"))


class Line:
    """Settles batches of one partition, each of which begins where the one before ends."""

    def __init__(self, service: CountingService, *, is_independent: bool = True) -> None:
        self.store = NotingStore(service)
        self._service = service
        self._processor = processor_of(service, self.store, is_independent=is_independent)
        self._next = 0
        self._settling: list[asyncio.Task[None]] = []

    def settle(self, *keys: str, revision: int = 1) -> "asyncio.Task[None]":
        """Begin to settle a batch of one retrieve of each key."""
        records = [self.record(self._next + number, key, revision) for number, key in enumerate(keys)]
        batch = batch_of(records, {PLACE: self._next or None})
        self._next += len(keys)
        self._settling.append(asyncio.create_task(self._processor.settle(batch, decode_batch(records))))
        return self._settling[-1]

    def read_again_from(self, offset: int) -> None:
        """Continue at `offset`, as the consumer does after a failure."""
        self._next = offset

    async def ends(self) -> list[BaseException | None]:
        """Wait for all batches, and return how they have ended."""
        return await asyncio.gather(*self._settling, return_exceptions=True)

    async def saved(self) -> int | None:
        """The saved offset."""
        return (await Offsets(self._service.tables.kernel).load(self._service.database, [PLACE])).get(PLACE)

    async def published(self) -> list[str]:
        """The keys of the events in the outbox, in their order."""
        outbox = self._service.tables.kernel.outbox.c
        async with self._service.database.begin() as db:
            return list((await db.execute(select(outbox.key).order_by(outbox.id))).scalars())

    @staticmethod
    def record(offset: int, key: str, revision: int) -> Record:
        return Record(PLACE, offset, key.encode(), retrieve_event(key, revision), (), datetime.now(UTC))


@asynccontextmanager
async def last_statements_held_up(service: CountingService) -> AsyncIterator[None]:
    """Hold the row that every batch updates with its last statement."""
    async with service.database.engine.connect() as other:
        await other.execute(select(service.tables.kernel.consumer_offset).with_for_update())
        yield


@pytest.fixture
async def line(service: CountingService) -> Line:
    made = Line(service)
    await made.settle("first")
    return made


async def test_a_batch_is_loaded_while_the_one_before_is_written(service: CountingService, line: Line) -> None:
    async with last_statements_held_up(service):
        one = line.settle("a")
        line.settle("b")
        await eventually(lambda: ["b"] in line.store.loads)
        assert not one.done()
    assert await line.ends() == [None, None, None]
    assert (await line.saved(), await line.published()) == (3, ["first", "a", "b"])
    assert line.store.loads == [["first"], ["a"], ["b"]]


async def test_a_batch_with_a_key_of_the_one_before_is_loaded_after_it(service: CountingService, line: Line) -> None:
    async with last_statements_held_up(service):
        line.settle("a", "shared")
        line.settle("shared", revision=2)
        await has_long_been_held_up(service)
        assert ["shared"] not in line.store.loads
    assert await line.ends() == [None, None, None]
    assert (await service.counts("shared"))["shared"].count == 2


async def test_what_depends_on_others_of_its_kind_is_loaded_after_the_batch_before(service: CountingService) -> None:
    line = Line(service, is_independent=False)
    await line.settle("first")
    async with last_statements_held_up(service):
        line.settle("a")
        line.settle("b")
        await has_long_been_held_up(service)
        assert ["b"] not in line.store.loads
    assert await line.ends() == [None, None, None]


async def test_what_was_computed_beside_a_batch_that_is_split_is_computed_again(
    service: CountingService, line: Line
) -> None:
    async with last_statements_held_up(service):
        line.settle("a1", "a2")
        line.settle("b")
        await eventually(lambda: ["a1"] in line.store.loads)  # after the lock timeout, event by event
    assert await line.ends() == [None, None, None]
    assert (await line.saved(), await line.published()) == (4, ["first", "a1", "a2", "b"])
    assert line.store.loads.count(["b"]) == 2


async def test_a_bad_event_is_set_aside_and_the_batch_beside_it_is_settled(
    service: CountingService, line: Line
) -> None:
    line.settle("a", revision=FORBIDDEN_REVISION)
    line.settle("b")
    assert await line.ends() == [None, None, None]
    assert (await line.saved(), await line.published()) == (3, ["first", "b"])
    assert [key for key, _, _ in await dead_letters(service)] == [b"a"]


async def test_nothing_is_written_after_a_batch_that_lost_its_connection(line: Line) -> None:
    line.settle("lost")
    line.settle("b")
    line.settle("lost", "c")
    first, lost, *others = await line.ends()
    assert first is None
    assert isinstance(lost, DBAPIError)
    assert [type(each) for each in others] == [StaleBatchError, StaleBatchError]
    assert (await line.saved(), await line.published()) == (1, ["first"])


async def test_what_is_read_again_after_a_failure_is_settled(line: Line) -> None:
    line.settle("lost")
    line.settle("b")
    await line.ends()
    line.read_again_from(1)
    line.settle("b")
    line.settle("c")
    assert (await line.ends())[-2:] == [None, None]
    assert (await line.saved(), await line.published()) == (3, ["first", "b", "c"])


async def test_batches_without_offsets_do_not_depend_on_each_other(service: CountingService) -> None:
    """Each topic of a client that keeps its own offsets is read on its own: one must not hold up the others."""
    processor = processor_of(service, NotingStore(service))
    batches = [[Line.record(0, key, 1)] for key in ("lost", "b")]
    lost, other = await asyncio.gather(
        *(processor.settle(Batch.without_offsets(each), decode_batch(each)) for each in batches),
        return_exceptions=True,
    )
    assert isinstance(lost, DBAPIError)
    assert other is None


@pytest.mark.parametrize("seed", range(3))
async def test_the_result_is_that_of_one_batch_after_the_other(service: CountingService, line: Line, seed: int) -> None:
    """A count depends on the order: only a revision above all earlier ones is counted."""
    chance = Random(seed)  # noqa: S311 - the same batches in every run
    expected: dict[str, list[int]] = {}
    for _ in range(60):
        keys = chance.sample("abcdefghijklmnopqrst", chance.randint(1, 5))
        revision = FORBIDDEN_REVISION if chance.random() < 0.1 else chance.randint(1, 500)
        line.settle(*keys, revision=revision)
        for key in keys:
            counted = expected.setdefault(key, [0])
            if revision != FORBIDDEN_REVISION and revision > counted[-1]:
                counted.append(revision)
    assert set(await line.ends()) == {None}
    counts = await service.counts("")
    assert {key: counts[key].count for key in expected if key in counts} == {
        key: len(counted) - 1 for key, counted in expected.items() if len(counted) > 1
    }


async def has_long_been_held_up(service: CountingService) -> None:
    """Wait until a batch is held up, and then as long as another would take to load its rows several times."""

    async def is_held_up() -> bool:
        return await waiting_sessions(service.database) > 0

    await eventually(is_held_up)
    await asyncio.sleep(0.3)
