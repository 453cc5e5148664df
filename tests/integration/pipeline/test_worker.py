"""Effects as rows on a real database: few at a time, settled once, and left to their leases where something breaks."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateSchema

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline.bulk import insert_many
from services.pipeline.database import Database
from services.pipeline.outbox import Outbox
from services.pipeline.tables import kernel_tables
from services.pipeline.worker import DRAIN_SECONDS, Worker
from tests.integration.pipeline.relaying import succeeded
from tests.waiting import eventually

METADATA = MetaData(schema="chores")
KERNEL = kernel_tables(METADATA)
CHORE = Table(
    "chore",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("leased_until", DateTime(timezone=True)),
    Column("claims", Integer, nullable=False),
)
LONG = timedelta(minutes=5)


class Chores:
    """Chores whose doing is given by the test; notes how many are done at once, and how often each is."""

    name = "chores"

    def __init__(
        self, do: Callable[[int], Awaitable[None]] = lambda _: asyncio.sleep(0.01), lease: timedelta = LONG
    ) -> None:
        self._do = do
        self._lease = lease
        self.running = 0
        self.most = 0
        self.performed: Counter[int] = Counter()
        self.connections_to_lose = 0

    async def claim(self, db: AsyncConnection, limit: int) -> Sequence[int]:
        is_due = or_(CHORE.c.state == "due", (CHORE.c.state == "taken") & (CHORE.c.leased_until < func.now()))
        due = select(CHORE.c.id).where(is_due).order_by(CHORE.c.id).limit(limit).with_for_update(skip_locked=True)
        taken = {"state": "taken", "leased_until": func.now() + self._lease, "claims": CHORE.c.claims + 1}
        rows = await db.execute(update(CHORE).values(taken).where(CHORE.c.id.in_(due)).returning(CHORE.c.id))
        return sorted(row.id for row in rows)

    async def perform(self, job: int) -> str:
        self.performed[job] += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self._do(job)
        finally:
            self.running -= 1
        return "done"

    async def settle(self, db: AsyncConnection, job: int, result: str) -> Sequence[Event[EventData]]:
        await db.execute(update(CHORE).values(state=result, leased_until=None).where(CHORE.c.id == job))
        if self.connections_to_lose:
            self.connections_to_lose -= 1
            await db.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return [succeeded(f"chore-{job}", 1)]


class Household:
    """The rows, and workers on them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outbox = Outbox(KERNEL)

    async def add(self, count: int) -> None:
        async with self.database.begin() as db:
            rows = [{"id": number, "state": "due", "claims": 0} for number in range(count)]
            await insert_many(db, CHORE, rows)

    async def states(self) -> Counter[str]:
        async with self.database.begin() as db:
            return Counter((await db.execute(select(CHORE.c.state))).scalars())

    async def told(self) -> Counter[str]:
        async with self.database.begin() as db:
            return Counter((await db.execute(select(KERNEL.outbox.c.key))).scalars())

    async def are_all(self, state: str) -> bool:
        return set(await self.states()) == {state}

    @asynccontextmanager
    async def working(self, chores: Chores, concurrency: int = 4) -> AsyncIterator[asyncio.Event]:
        """A worker that runs while the block does; setting what it gives ends it earlier."""
        stopping = asyncio.Event()
        worker = Worker(self.database, self.outbox, chores, concurrency=concurrency, poll_seconds=0.05)
        running = asyncio.create_task(worker.run(stopping))
        try:
            yield stopping
        finally:
            stopping.set()
            await running


@pytest.fixture
async def household(database_url: str) -> AsyncIterator[Household]:
    database = Database(SecretStr(database_url), application_name="tests", pool_size=10)
    async with database.begin() as db:
        await db.execute(CreateSchema("chores"))
        await db.run_sync(METADATA.create_all)
    yield Household(database)
    await database.close()


async def test_all_jobs_are_done_once_and_never_more_than_allowed_at_a_time(household: Household) -> None:
    await household.add(60)
    chores = Chores()
    async with household.working(chores, concurrency=4):
        await eventually(lambda: household.are_all("done"))
    assert chores.most == 4
    assert set(chores.performed.values()) == {1}
    assert await household.told() == {f"chore-{number}": 1 for number in range(60)}


async def test_two_workers_share_the_jobs(household: Household) -> None:
    await household.add(60)
    one, other = Chores(), Chores()
    async with household.working(one), household.working(other):
        await eventually(lambda: household.are_all("done"))
    assert set((one.performed + other.performed).values()) == {1}
    assert one.performed
    assert other.performed


async def test_a_job_that_breaks_keeps_its_lease_and_holds_up_no_other(household: Household) -> None:
    async def do(job: int) -> None:
        if job == 1:
            raise ZeroDivisionError("a defect")

    await household.add(3)
    chores = Chores(do)
    async with household.working(chores):
        await eventually(lambda: _is(household, {"done": 2, "taken": 1}))
        await asyncio.sleep(0.3)
    assert chores.performed == {0: 1, 1: 1, 2: 1}
    assert await household.told() == {"chore-0": 1, "chore-2": 1}


async def test_a_job_whose_lease_has_run_out_is_claimed_again(household: Household) -> None:
    async def do(job: int) -> None:
        if chores.performed[job] == 1:
            raise ConnectionResetError("lost")

    await household.add(1)
    chores = Chores(do, lease=timedelta(milliseconds=300))
    async with household.working(chores):
        await eventually(lambda: household.are_all("done"))
    assert chores.performed == {0: 2}
    assert await household.told() == {"chore-0": 1}


async def test_a_result_is_recorded_although_the_connection_was_lost_twice_over_it(household: Household) -> None:
    await household.add(1)
    chores = Chores()
    chores.connections_to_lose = 2
    async with household.working(chores):
        await eventually(lambda: household.are_all("done"))
    assert chores.performed == {0: 1}
    assert await household.told() == {"chore-0": 1}


async def test_the_drain_waits_for_what_is_under_way_and_begins_nothing_new(household: Household) -> None:
    may_end = asyncio.Event()

    async def do(job: int) -> None:
        del job
        await may_end.wait()

    await household.add(5)
    chores = Chores(do)
    async with household.working(chores, concurrency=2) as stopping:
        await eventually(lambda: _runs(chores, 2))
        stopping.set()
        await asyncio.sleep(0.2)
        assert await household.states() == {"taken": 2, "due": 3}
        may_end.set()
    assert await household.states() == {"done": 2, "due": 3}


async def test_a_job_that_outlasts_the_drain_is_left_to_its_lease(household: Household) -> None:
    was_cancelled = asyncio.Event()

    async def do(job: int) -> None:
        del job
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            was_cancelled.set()
            raise

    await household.add(1)
    chores = Chores(do)
    async with asyncio.timeout(DRAIN_SECONDS + 2), household.working(chores):
        await eventually(lambda: _runs(chores, 1))
    assert was_cancelled.is_set()
    assert await household.states() == {"taken": 1}


async def test_a_worker_outlives_a_database_that_cannot_be_asked(household: Household) -> None:
    await household.add(1)
    chores = Chores()
    async with household.database.begin() as db:
        await db.execute(text("alter table chores.chore rename to hidden"))
    async with household.working(chores):
        await asyncio.sleep(0.3)
        async with household.database.begin() as db:
            await db.execute(text("alter table chores.hidden rename to chore"))
        await eventually(lambda: household.are_all("done"))


async def _is(household: Household, expected: dict[str, int]) -> bool:
    return await household.states() == expected


async def _runs(chores: Chores, count: int) -> bool:
    return chores.running == count
