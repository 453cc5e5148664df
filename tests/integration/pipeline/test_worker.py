"""A worker performs each job once, few at a time, and records its result however long the database is away."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar

import pytest
from pydantic import SecretStr
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateSchema
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.testing import capture_logs

from sandbox.servers import LocalPostgres
from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline.bulk import insert_many
from services.pipeline.database import Database
from services.pipeline.outbox import Outbox
from services.pipeline.tables import kernel_tables
from services.pipeline.work import Claimed, Ended, Places, Settled
from services.pipeline.worker import Worker
from services.pipeline.writes import Writes
from tests.integration.pipeline.topic_events import export_succeeded
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
    """Chores that a function of the test performs; counts how many run at once, and how often each ran."""

    name = "chores"

    def __init__(
        self, do: Callable[[int], Awaitable[None]] = lambda _: asyncio.sleep(0.01), lease: timedelta = LONG
    ) -> None:
        self._do = do
        self._lease = lease
        self.running = 0
        self.most = 0
        self.performed: Counter[int] = Counter()
        self.claims = 0
        self.together: list[int] = []
        self.connections_to_lose = 0
        self.claim_errors: list[Exception] = []
        self.unrecordable: set[int] = set()

    async def claim(self, database: Database, limit: int, held: Sequence[int]) -> Claimed[int]:
        self.claims += 1
        if self.claim_errors:
            raise self.claim_errors.pop()
        is_due = or_(CHORE.c.state == "due", (CHORE.c.state == "taken") & (CHORE.c.leased_until < func.now()))
        wanted = select(CHORE.c.id).where(is_due, CHORE.c.id.not_in(held)).order_by(CHORE.c.id).limit(limit)
        due = wanted.with_for_update(skip_locked=True)
        taken = {"state": "taken", "leased_until": func.now() + self._lease, "claims": CHORE.c.claims + 1}
        async with database.begin() as db:
            rows = await db.execute(update(CHORE).values(taken).where(CHORE.c.id.in_(due)).returning(CHORE.c.id))
            return Claimed(sorted(row.id for row in rows), 10.0)

    async def perform(self, job: int) -> str:
        self.performed[job] += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self._do(job)
        finally:
            self.running -= 1
        return "done"

    def failed(self, job: int, error: Exception) -> str:
        del job
        return f"failed: {type(error).__name__}"

    async def set_aside(self, db: AsyncConnection, job: int, why: str) -> None:
        del why
        await db.execute(update(CHORE).values(state="set aside").where(CHORE.c.id == job))

    def ids(self, job: int) -> Mapping[str, str]:
        return {"commitment_id": f"chore-{job}"}

    def described(self, job: int, result: str) -> Mapping[str, object]:
        return {"chore": job, "result": result}

    async def settle(self, db: AsyncConnection, job: int, result: str) -> Sequence[Event[EventData]]:
        if job in self.unrecordable:
            raise ValueError("nested too deeply")
        await db.execute(update(CHORE).values(state=result, leased_until=None).where(CHORE.c.id == job))
        if self.connections_to_lose:
            self.connections_to_lose -= 1
            await db.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return [export_succeeded(f"chore-{job}", 1)]


class ChoreTable:
    """The rows of chores, and workers that perform them."""

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

    async def published(self) -> Counter[str]:
        async with self.database.begin() as db:
            return Counter((await db.execute(select(KERNEL.outbox.c.key))).scalars())

    async def are_all(self, state: str) -> bool:
        return set(await self.states()) == {state}

    @asynccontextmanager
    async def working(
        self,
        chores: Chores,
        concurrency: int | Callable[[], int] = 4,
        max_idle_seconds: float = 0.05,
        may_claim: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[asyncio.Event]:
        """Run a worker for as long as the block runs, or until the yielded event is set."""
        stopping = asyncio.Event()
        self.worker = Worker(
            self.database,
            self.outbox,
            chores,
            concurrency=concurrency,
            max_idle_seconds=max_idle_seconds,
            may_claim=may_claim,
        )
        worker = self.worker
        running = asyncio.create_task(worker.run(stopping))
        try:
            yield stopping
        finally:
            stopping.set()
            await running


@asynccontextmanager
async def chore_table(database_url: str) -> AsyncIterator[ChoreTable]:
    database = Database(SecretStr(database_url), application_name="tests", pool_size=10)
    async with database.begin() as db:
        await db.execute(CreateSchema("chores"))
        await db.run_sync(METADATA.create_all)
    yield ChoreTable(database)
    await database.close()


@pytest.fixture
async def table(database_url: str) -> AsyncIterator[ChoreTable]:
    async with chore_table(database_url) as made:
        yield made


@pytest.fixture
def short_drain(monkeypatch: pytest.MonkeyPatch) -> float:
    """Let a drain take two seconds only, and return them."""
    monkeypatch.setattr("services.pipeline.worker.DRAIN_SECONDS", 2.0)
    return 2.0


async def test_how_many_jobs_run_at_once_may_change_while_they_run(table: ChoreTable) -> None:
    allowed, go_on = [1], asyncio.Event()
    await table.add(6)

    async def wait(_: int) -> None:
        await go_on.wait()

    chores = Chores(wait)
    async with table.working(chores, concurrency=lambda: allowed[0]):
        await eventually(lambda: chores.running == 1)
        allowed[0] = 3
        table.worker.wake()
        await eventually(lambda: chores.running == 3)
        allowed[0] = 0
        go_on.set()
        await eventually(lambda: chores.running == 0)
        claims = chores.claims
        await asyncio.sleep(0.3)
        assert chores.claims == claims
        allowed[0] = 2
        await eventually(lambda: table.are_all("done"))
    assert chores.most == 3


async def test_every_job_is_performed_once_and_at_most_as_many_at_once_as_allowed(table: ChoreTable) -> None:
    await table.add(60)
    chores = Chores()
    async with table.working(chores, concurrency=4):
        await eventually(lambda: table.are_all("done"))
    assert chores.most == 4
    assert set(chores.performed.values()) == {1}
    assert await table.published() == {f"chore-{number}": 1 for number in range(60)}


async def test_nothing_is_claimed_while_the_service_may_not(table: ChoreTable) -> None:
    await table.add(3)
    chores, may_claim = Chores(), asyncio.Event()
    async with table.working(chores, may_claim=may_claim.is_set):
        await asyncio.sleep(0.3)
        assert chores.claims == 0
        may_claim.set()
        await eventually(lambda: table.are_all("done"))


async def test_two_workers_share_the_jobs(table: ChoreTable) -> None:
    await table.add(60)
    one, other = Chores(), Chores()
    async with table.working(one), table.working(other):
        await eventually(lambda: table.are_all("done"))
    assert set((one.performed + other.performed).values()) == {1}
    assert one.performed
    assert other.performed


async def test_an_error_that_a_job_raises_is_its_result_and_is_logged_once(table: ChoreTable) -> None:
    async def do(job: int) -> None:
        if job:
            raise ZeroDivisionError("a defect")

    await table.add(50)
    chores = Chores(do)
    with capture_logs() as logged:
        async with table.working(chores):
            await eventually(lambda: _is(table, {"done": 1, "failed: ZeroDivisionError": 49}))
    assert set(chores.performed.values()) == {1}
    assert [line["event"] for line in logged] == ["worker.job_failed"]


async def test_a_job_whose_lease_has_expired_is_claimed_again(table: ChoreTable) -> None:
    await table.add(1)
    async with table.database.begin() as db:
        await db.execute(update(CHORE).values(state="taken", leased_until=func.now() - LONG))
    chores = Chores()
    async with table.working(chores):
        await eventually(lambda: table.are_all("done"))
    assert chores.performed == {0: 1}


async def test_a_job_is_not_claimed_again_while_it_is_still_performed_although_its_lease_has_expired(
    table: ChoreTable,
) -> None:
    async def do(job: int) -> None:
        del job
        await eventually(lambda: chores.claims > 5)

    await table.add(1)
    chores = Chores(do, lease=timedelta(0))
    async with table.working(chores):
        await eventually(lambda: table.are_all("done"))
    assert chores.performed == {0: 1}


async def test_a_result_is_recorded_although_the_database_restarts_and_the_lease_expires_meanwhile(
    local_postgres: Callable[[], LocalPostgres],
) -> None:
    server = local_postgres()
    async with chore_table(server.create_database("outage")) as table:
        is_down = asyncio.Event()

        async def do(job: int) -> None:
            del job
            await asyncio.to_thread(server.stop)
            is_down.set()

        await table.add(1)
        chores = Chores(do, lease=timedelta(seconds=1))
        async with table.working(chores):
            await is_down.wait()
            await asyncio.sleep(2)  # twice the lease
            await asyncio.to_thread(server.start)
            await eventually(lambda: table.are_all("done"))
        assert chores.performed == {0: 1}
        assert await table.published() == {"chore-0": 1}


@pytest.mark.usefixtures("short_drain")
async def test_a_result_that_is_not_recorded_by_the_end_of_the_drain_is_logged(
    local_postgres: Callable[[], LocalPostgres],
) -> None:
    server = local_postgres()
    async with chore_table(server.create_database("outage")) as table:
        is_down = asyncio.Event()

        async def do(job: int) -> None:
            del job
            await asyncio.to_thread(server.stop)
            is_down.set()

        await table.add(1)
        with capture_logs() as logged:
            async with table.working(Chores(do)) as stopping:
                await is_down.wait()
                stopping.set()
    lost = [line for line in logged if line["event"] == "worker.result_not_recorded"]
    assert [(line["chore"], line["result"]) for line in lost] == [(0, "done")]


async def test_a_job_whose_result_cannot_be_recorded_is_set_aside_and_does_not_block_others(table: ChoreTable) -> None:
    await table.add(3)
    chores = Chores()
    chores.unrecordable = {1}
    async with table.working(chores):
        await eventually(lambda: _is(table, {"done": 2, "set aside": 1}))
    assert chores.performed == {0: 1, 1: 1, 2: 1}


async def test_a_claim_that_raises_an_unexpected_error_does_not_end_the_worker(table: ChoreTable) -> None:
    await table.add(3)
    chores = Chores()
    chores.claim_errors = [KeyError("odd row"), KeyError("odd row")]
    async with table.working(chores):
        await eventually(lambda: table.are_all("done"))


async def test_an_idle_worker_looks_again_when_it_is_woken_or_stopped(table: ChoreTable) -> None:
    chores = Chores()
    async with asyncio.timeout(60), table.working(chores, max_idle_seconds=600):
        await eventually(lambda: chores.claims == 1)
        await asyncio.sleep(0.5)
        assert chores.claims == 1
        await table.add(1)
        table.worker.wake()
        await eventually(lambda: table.are_all("done"))


async def test_a_result_is_recorded_although_the_connection_is_lost_twice_while_recording(table: ChoreTable) -> None:
    await table.add(1)
    chores = Chores()
    chores.connections_to_lose = 2
    async with table.working(chores):
        await eventually(lambda: table.are_all("done"))
    assert chores.performed == {0: 1}
    assert await table.published() == {"chore-0": 1}


async def test_the_drain_waits_for_running_jobs_and_starts_no_new_ones(table: ChoreTable) -> None:
    may_end = asyncio.Event()

    async def do(job: int) -> None:
        del job
        await may_end.wait()

    await table.add(5)
    chores = Chores(do)
    async with table.working(chores, concurrency=2) as stopping:
        await eventually(lambda: _runs(chores, 2))
        stopping.set()
        await asyncio.sleep(0.2)
        assert await table.states() == {"taken": 2, "due": 3}
        may_end.set()
    assert await table.states() == {"done": 2, "due": 3}


@pytest.mark.alone
async def test_a_job_that_outlasts_the_drain_is_cancelled_and_keeps_its_lease(
    table: ChoreTable, short_drain: float
) -> None:
    was_cancelled = asyncio.Event()

    async def do(job: int) -> None:
        del job
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            was_cancelled.set()
            raise

    await table.add(1)
    chores = Chores(do)
    async with asyncio.timeout(short_drain + 2), table.working(chores):
        await eventually(lambda: _runs(chores, 1))
    assert was_cancelled.is_set()
    assert await table.states() == {"taken": 1}


async def test_a_worker_survives_a_database_that_cannot_be_queried(table: ChoreTable) -> None:
    await table.add(1)
    chores = Chores()
    async with table.database.begin() as db:
        await db.execute(text("alter table chores.chore rename to hidden"))
    async with table.working(chores):
        await asyncio.sleep(0.3)
        async with table.database.begin() as db:
            await db.execute(text("alter table chores.hidden rename to chore"))
        await eventually(lambda: table.are_all("done"))


async def _is(table: ChoreTable, expected: dict[str, int]) -> bool:
    return await table.states() == expected


async def _runs(chores: Chores, count: int) -> bool:
    return chores.running == count


class Together(Chores):
    """Chores whose results are recorded together, and of which each hands its place on to the next one that is due."""

    next_errors: Sequence[Exception] = ()
    locked: frozenset[int] = frozenset()

    async def settle_together(
        self, db: AsyncConnection, _: Writes, ended: Sequence[Ended[int, str]], places: Places[int]
    ) -> Settled[int, str]:
        self.together.append(len(ended))
        ours = [each for each in ended if each.job not in self.locked]
        events = [event for each in ours for event in await self.settle(db, each.job, each.result)]
        free = places.free - (len(ended) - len(ours))
        return Settled(ours, events, await self._next(db, free, places.held) if free > 0 else ())

    async def _next(self, db: AsyncConnection, limit: int, held: Sequence[int]) -> Sequence[int]:
        errors, self.next_errors = self.next_errors, ()
        for error in errors:
            raise error
        due = select(CHORE.c.id).where(CHORE.c.state == "due", CHORE.c.id.not_in(held)).order_by(CHORE.c.id)
        taken = {"state": "taken", "leased_until": func.now() + LONG, "claims": CHORE.c.claims + 1}
        first = due.limit(limit).with_for_update(skip_locked=True)
        rows = await db.execute(update(CHORE).values(taken).where(CHORE.c.id.in_(first)).returning(CHORE.c.id))
        return [row.id for row in rows]


async def test_a_job_that_ends_hands_its_place_on_without_a_claim(table: ChoreTable) -> None:
    await table.add(40)
    chores = Together()
    async with table.working(chores):
        await eventually(lambda: table.are_all("done"))

    assert chores.performed == Counter(range(40))
    assert chores.most <= 4
    assert chores.claims < 10
    assert (await table.published()) == {f"chore-{number}": 1 for number in range(40)}


async def test_no_place_is_handed_on_once_the_worker_stops(table: ChoreTable) -> None:
    await table.add(40)
    chores = Together(lambda _: asyncio.sleep(0.2))
    async with table.working(chores):
        await eventually(lambda: chores.running == 4)

    assert len(chores.performed) < 13
    assert "taken" not in await table.states()


async def test_a_result_is_recorded_although_the_next_job_cannot_be_leased(table: ChoreTable) -> None:
    await table.add(3)
    chores = Together()
    chores.next_errors = [ValueError("a row that cannot be read")]
    async with table.working(chores, concurrency=1):
        await eventually(lambda: table.are_all("done"))

    assert chores.performed == Counter(range(3))


async def test_no_more_jobs_are_handed_on_than_run_at_once_by_now(table: ChoreTable) -> None:
    await table.add(40)
    allowed = [4]
    chores = Together(lambda _: asyncio.sleep(0.05))
    async with table.working(chores, concurrency=lambda: allowed[0]):
        await eventually(lambda: chores.running == 4)
        allowed[0] = 1
        await eventually(lambda: chores.running == 1)
        await asyncio.sleep(0.3)
        assert chores.running <= 1


async def test_results_that_are_there_at_the_same_time_are_recorded_together(table: ChoreTable) -> None:
    await table.add(64)
    chores = Together()
    async with table.working(chores, concurrency=16):
        await eventually(lambda: table.are_all("done"))

    assert sum(chores.together) == 64
    assert len(chores.together) < 40
    assert (await table.published()) == {f"chore-{number}": 1 for number in range(64)}


async def test_a_result_whose_row_is_locked_does_not_hold_up_those_beside_it(table: ChoreTable) -> None:
    await table.add(8)
    chores = Together()
    chores.locked = frozenset({3})
    async with table.database.begin() as db:
        await db.execute(select(CHORE).where(CHORE.c.id == 3).with_for_update())
        async with table.working(chores, concurrency=7) as stopping:
            await eventually(lambda: _is(table, {"done": 7, "due": 1}))
            stopping.set()


async def test_one_result_that_cannot_be_recorded_does_not_hold_up_those_beside_it(table: ChoreTable) -> None:
    await table.add(8)
    chores = Together()
    chores.unrecordable = {3}
    async with table.working(chores, concurrency=8):
        await eventually(lambda: _is(table, {"done": 7, "set aside": 1}))

    assert chores.performed == Counter(range(8))


async def test_lines_about_a_job_have_its_ids_and_what_is_recorded_for_several_has_those_of_none(
    table: ChoreTable,
) -> None:
    async def fail(job: int) -> None:
        await asyncio.sleep(0.01)
        raise ValueError(job)

    class Told(Together):
        recorded_with: ClassVar[list[str]] = []

        async def settle_together(
            self, db: AsyncConnection, _: Writes, ended: Sequence[Ended[int, str]], places: Places[int]
        ) -> Settled[int, str]:
            self.recorded_with += get_contextvars()
            return await super().settle_together(db, _, ended, places)

    await table.add(8)
    with capture_logs(processors=[merge_contextvars]) as logged:
        async with table.working(Told(fail), concurrency=1):
            await eventually(lambda: table.are_all("failed: ValueError"))

    (line,) = [each for each in logged if each["event"] == "worker.job_failed"]
    assert line["commitment_id"] == "chore-0"
    assert Told.recorded_with == []
