"""Every fault of the ERP and of the network, and a death at every point, and each commitment is still one document."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic

import pytest
from pydantic import SecretStr

from sandbox.configuration import write_connections
from sandbox.drill.traffic import some_ids
from sandbox.erp.faults import ErpFault, ErpFaultKind
from sandbox.erp.process import ErpProcess
from sandbox.service_process import ServiceProcess
from sandbox.started import started
from sandbox.world import World, WorldOptions, running_world
from services.exporter.comparing import compare_now
from tests.chaos.brokers import WatchfulKafka
from tests.chaos.storm_books import Outcome, books_of, counted, is_over, is_unfinished, open_items, outcomes
from tests.chaos.storm_evidence import evidence_of
from tests.chaos.storm_faults import BAD_ADDRESSES, Troubles, deck, fail_next, failing, kill_erp, lose_the_way
from tests.chaos.storm_people import People
from tests.chaos.storm_settings import LEASE_SECONDS, PATIENCE
from tests.chaos.test_kill_and_recover import dies_at
from tests.waiting import eventually

COMPARES = "comparison."
DIES_ALONE = ("exporter.relay_", "exporter.before_commit", "exporter.after_commit", COMPARES, "recheck.")
"""Only one process relays, and may have all partitions of the orders; the other one leaves before."""
WAITS = (COMPARES, "recheck.")
"""What happens at these points waits for exports, so people send no more of them meanwhile."""
POINTS = (
    "exporter.relay_before_send",
    "exporter.after_claim",
    "exporter.before_call",
    "exporter.after_call",
    "exporter.before_settle_commit",
    "exporter.after_settle",
    "exporter.before_commit",
    "exporter.after_commit",
    "comparison.before_settle_commit",
    "comparison.after_settle",
    "exporter.relay_before_delete",
)
RECHECK_POINTS = ("recheck.before_settle_commit", "recheck.after_settle")
"""Reached a minute after a doubt has ended, when the ERP is looked at again."""
SHORT_POINTS = (
    "exporter.after_call",
    "exporter.before_settle_commit",
    "comparison.after_settle",
    "exporter.relay_before_delete",
)
"""In `make test`, the run of services that die takes the others."""
COMMITMENTS_PER_ROUND, COMMITMENTS_PER_TROUBLE = 600, 250
STANDS_STILL_SECONDS = LEASE_SECONDS + 1
POLL_SECONDS = 0.5
LOGGED_CHARACTERS = 3_000
EXPLAINED = 3
"""Of how many commitments that have not ended everything is printed that is known of them."""
DIES_WITHIN_SECONDS = 240
"""A row of refused trials may hold all calls back for minutes."""
COMMITMENTS_MORE, MORE_AFTER_SECONDS, MOST_TIMES_MORE = 5, 5.0, 60


@dataclass(frozen=True, kw_only=True)
class Size:
    commitments: int
    points: Sequence[str]
    stops: int
    erp_kills: int
    ways_lost: int
    may_write_twice: bool
    settled_within_seconds: float
    told_within_seconds: float


SHORT = Size(
    commitments=100,
    points=SHORT_POINTS,
    stops=1,
    erp_kills=1,
    ways_lost=1,
    may_write_twice=False,
    settled_within_seconds=120,
    told_within_seconds=0,
)


def long_form(commitments: int) -> Size:
    """A run in which people send so many, and everything else happens as often as fits to that."""
    times = max(commitments // COMMITMENTS_PER_TROUBLE, 1)
    rounds = max(commitments // COMMITMENTS_PER_ROUND, 1)
    return Size(
        commitments=commitments,
        points=POINTS * rounds + RECHECK_POINTS * rounds,
        stops=times,
        erp_kills=times,
        ways_lost=times,
        may_write_twice=True,
        settled_within_seconds=600,
        told_within_seconds=480,
    )


LONG = long_form(2_000)


@pytest.fixture
def size(size: Size, request: pytest.FixtureRequest) -> Size:
    """The usual size, or the long form with as many commitments as the command line says."""
    commitments = request.config.getoption("--commitments")
    return long_form(commitments) if commitments else size


async def test_every_commitment_is_one_document_at_its_revision_or_an_open_item_that_people_see(
    tmp_path: Path, size: Size, chance: Random, report: Callable[[str], None]
) -> None:
    """Counted in the journal of an ERP in a process of its own, and on the desk."""
    began = monotonic()
    async with running_storm(tmp_path, chance) as storm:
        faults = deck(chance, may_write_twice=size.may_write_twice)
        async with storm.people.at_work():
            async with failing(storm.erp, faults):
                await storm.rage(size)
            calm_at = monotonic()
            await storm.outcomes()
            storm.people.only_accept()
            await storm.until_over(size.settled_within_seconds)
            await storm.until_told(size.told_within_seconds)
            ended = await storm.outcomes()
            report(f"export storm: {calm_at - began:.0f} s of faults, settled {monotonic() - calm_at:.0f} s after them")
            storm.describe(ended, report)
            await storm.tell_why([each for each in ended if is_unfinished(each)], report)
            await storm.answer_open_items(size.settled_within_seconds)
            await storm.until_told(size.told_within_seconds)
            at_last = await storm.outcomes()
            report(f"export storm: after Dana answered each open item: {in_figures(at_last)}")
            await storm.tell_why([each for each in at_last if not each.is_right], report)

    assert storm.troubles.survived == {}
    assert set(ErpFaultKind) - storm.faults_that_hit().keys() == set()
    assert (+storm.troubles.unreachable).keys() == BAD_ADDRESSES.keys()
    assert (storm.troubles.stops, storm.troubles.erp_kills) == (size.stops, size.erp_kills)
    for these in (ended, at_last):
        assert [each for each in these if each.is_untold] == []
        assert [each for each in these if not (each.is_right or each.is_open)] == []
    assert [each for each in at_last if each.is_open] == []
    if not size.may_write_twice:
        assert {each.commitment_id for each in at_last if len(each.documents) > 1} <= storm.stored_twice()


async def test_a_doubt_that_only_people_can_end_is_seen_as_waiting_for_them_and_answered(
    tmp_path: Path, chance: Random
) -> None:
    """A call is lost, and to the next one the ERP says that it has a document, which it does not show."""
    lost_then_denied = [ErpFault(kind=kind, times=1) for kind in (ErpFaultKind.LOSE_REQUEST, ErpFaultKind.CONTRADICT)]
    async with running_storm(tmp_path, chance) as storm, storm.people.at_work():
        storm.people.only_accept()
        await asyncio.to_thread(storm.steady.start)
        await fail_next(storm.erp, lost_then_denied)
        await storm.people.send(["storm-00001"])
        await storm.until_over(DIES_WITHIN_SECONDS)
        (waiting,) = await storm.outcomes()
        assert (waiting.status, waiting.why_open) == ("in_doubt", "in_doubt: waits for an approver")
        await storm.answer_open_items(DIES_WITHIN_SECONDS)
        assert [each.is_right for each in await storm.outcomes()] == [True]


class Storm:
    """A world with an ERP of its own and two exporters: one that dies, and one that stands still or loses its way."""

    def __init__(self, world: World, erp: ErpProcess, folder: Path, chance: Random) -> None:
        self.world = world
        self.erp = erp
        self.people = People(world, chance)
        self.troubles = Troubles()
        self.dying = ServiceProcess("exporter", world.environment)
        self.dying.prepare_data()  # it is launched before it has ever been started
        self._folder = folder / "steady"
        own_file = write_connections(self._folder, erp.connection, PATIENCE)
        self.steady = ServiceProcess("exporter", {**world.environment, "ERP_CONNECTIONS": str(own_file)})
        self._busy = asyncio.Lock()
        self._more = count()
        self._chance = chance

    async def rage(self, size: Size) -> None:
        """Let everything go wrong, with new commitments at each death, until each thing has happened often enough."""
        await asyncio.to_thread(self.steady.start)
        troubles = self._troubles(size)
        shares = _shares(some_ids("storm", size.commitments), len(size.points) + len(troubles))
        others = asyncio.create_task(self._trouble_the_others(troubles, shares[len(size.points) :]))
        for point, ids in zip(size.points, shares, strict=False):
            await self._die_at(point, ids)
        await others
        await asyncio.to_thread(self.dying.kill)
        self.dying.environment.pop("CRASH_AT", None)
        await asyncio.to_thread(self.dying.start)
        await self._until_all_faults_hit()

    async def _until_all_faults_hit(self) -> None:
        """Send more, a few at a time, until each kind of fault has hit a call."""
        for _ in range(MOST_TIMES_MORE):
            await self.outcomes()
            if set(ErpFaultKind) <= self.faults_that_hit().keys():
                return
            await self._send_more()
            await asyncio.sleep(MORE_AFTER_SECONDS)

    async def _die_at(self, point: str, ids: Sequence[str]) -> None:
        await asyncio.to_thread(self.dying.kill)
        if not point.startswith(DIES_ALONE):
            await self._note_death(point, ids)
            return
        async with self._busy:
            await asyncio.to_thread(self.steady.stop)
            if point.startswith(COMPARES):
                await self._compare()
            await self._note_death(point, ids)
            await asyncio.to_thread(self.steady.start)

    async def _note_death(self, point: str, ids: Sequence[str]) -> None:
        """Let it die at `point`, with new commitments once it shares the work, and more if the other one takes them."""
        dying = asyncio.create_task(asyncio.to_thread(dies_at, self.dying, point, DIES_WITHIN_SECONDS))
        await eventually(lambda: asyncio.to_thread(lambda: self.dying.has_ended or self.dying.is_ready()))
        await self.people.send(ids)
        while not (await asyncio.wait([dying], timeout=MORE_AFTER_SECONDS))[0]:
            if point.startswith(COMPARES):
                await self._compare()  # what was to be compared may have been exported again since, or nothing was
            elif not point.startswith(WAITS):
                await self._send_more()
        if dying.result():
            self.troubles.deaths[point] += 1
        else:
            self.troubles.survived[point] = self.dying.latest_log[-LOGGED_CHARACTERS:]

    async def _compare(self) -> None:
        await compare_now(SecretStr(self.world.environment["DATABASE_URL"]), ("small-erp",))

    async def _send_more(self) -> None:
        await self.people.send(some_ids(f"more-{next(self._more)}", COMMITMENTS_MORE))

    def _troubles(self, size: Size) -> Sequence[Callable[[], Awaitable[None]]]:
        """How the other exporter stands still and loses its way, and the ERP dies, in an order of chance."""
        troubles = [self._stand_still] * size.stops + [self._kill_erp] * size.erp_kills
        troubles += [self._lose_name, self._lose_tls] * size.ways_lost
        return self._chance.sample(troubles, len(troubles))

    async def _trouble_the_others(
        self, troubles: Sequence[Callable[[], Awaitable[None]]], shares: Sequence[Sequence[str]]
    ) -> None:
        for trouble, ids in zip(troubles, shares, strict=True):
            await asyncio.sleep(self._chance.uniform(1, 3))
            async with self._busy:
                await self.people.send(ids)
                await trouble()

    async def _stand_still(self) -> None:
        with self.steady.paused():
            await asyncio.sleep(STANDS_STILL_SECONDS)
        self.troubles.stops += 1

    async def _kill_erp(self) -> None:
        await kill_erp(self.erp, self.troubles)

    async def _lose_name(self) -> None:
        await self._lose("name not known")

    async def _lose_tls(self) -> None:
        await self._lose("no TLS")

    async def _lose(self, what: str) -> None:
        self.troubles.unreachable[what] += await lose_the_way(self.steady, self.erp, self._folder, what)

    async def until_over(self, seconds: float) -> None:
        """Return once nothing moves any more, or after `seconds`."""
        with suppress(AssertionError):
            await eventually(self._is_over, seconds)

    async def _is_over(self) -> bool:
        await asyncio.sleep(POLL_SECONDS)
        rows = await self.people.all_rows()
        return is_over(self.people.sent, rows)

    async def until_told(self, seconds: float) -> None:
        """Return once people are told of every second document, or after `seconds`."""
        with suppress(AssertionError):
            await eventually(self._is_told, seconds)

    async def _is_told(self) -> bool:
        if any(each.is_untold for each in await self.outcomes()):
            await asyncio.sleep(10 * POLL_SECONDS)
            return False
        return True

    async def answer_open_items(self, seconds: float) -> None:
        """Dana retries what has failed, and settles doubts, until nothing is left, or for `seconds`."""
        deadline = monotonic() + seconds
        while await self.people.answer_all(await self._written()) and monotonic() < deadline:
            await self.until_over(deadline - monotonic())

    async def _written(self) -> Mapping[str, str]:
        return {each.commitment_id: each.written for each in await self.outcomes() if each.written}

    async def outcomes(self) -> list[Outcome]:
        """Return what became of everything."""
        journal = await asyncio.to_thread(lambda: self.erp.journal)
        self._entries = journal.entries
        return outcomes(self.people.sent, books_of(journal.entries), await self.people.all_rows())

    def faults_that_hit(self) -> Counter[ErpFaultKind]:
        """Count the calls that a fault has hit, by the ERP's journal."""
        return Counter(entry.fault for entry in self._entries if entry.fault)

    def stored_twice(self) -> set[str | None]:
        """Return the commitments of which the ERP itself has stored a call twice."""
        return {entry.reference for entry in self._entries if entry.fault == ErpFaultKind.STORE_TWICE}

    def describe(self, ended: Sequence[Outcome], report: Callable[[str], None]) -> None:
        """Say what happened, and what became of it."""
        troubles, revisions = self.troubles, sum(each.sent.revision for each in ended)
        acts, hits = counted(self.people.acts), Counter({kind.value: n for kind, n in self.faults_that_hit().items()})
        report(f"export storm: {len(ended):,} commitments in {revisions:,} revisions; {acts}")
        report(f"export storm: deaths: {counted(troubles.deaths)}; {len(troubles.survived)} points survived")
        report(
            f"export storm: {troubles.stops} stops beyond the lease, ERP killed {troubles.erp_kills} times, "
            f"calls that could not be sent: {counted(troubles.unreachable)}"
        )
        calls = f"{len(self._entries):,} calls in the ERP's journal, {hits.total():,} of them hit by a fault"
        report(f"export storm: {calls}: {counted(hits)}")
        report(f"export storm: {in_figures(ended)}")
        for point, log in troubles.survived.items():
            report(f"export storm: did not die at {point}: {log}")
        for line in open_items(ended):
            report(f"export storm: open: {line}")

    async def tell_why(self, unfinished: Sequence[Outcome], report: Callable[[str], None]) -> None:
        """Say what is known of the first commitments that have neither ended nor wait for people."""
        ids = [each.commitment_id for each in unfinished[:EXPLAINED]]
        for line in await evidence_of(self.world.environment["DATABASE_URL"], ids, self._entries):
            report(f"export storm: evidence: {line}")


def _shares(ids: Sequence[str], number: int) -> Sequence[Sequence[str]]:
    return [ids[place::number] for place in range(number)]


def in_figures(ended: Sequence[Outcome]) -> str:
    """Say what the ERP has, and what the desk shows."""
    documents = Counter(len(each.documents) for each in ended)
    several = [each for each in ended if len(each.documents) > 1]
    why = Counter(each.why_open for each in ended if each.is_open)
    return (
        f"{documents[1]:,} are one document, {documents[0]:,} none, {len(several):,} more than one "
        f"({sum(each.is_untold for each in several)} of them untold); "
        f"{sum(each.is_right for each in ended):,} are at their last revision; "
        f"on the desk {counted(Counter(each.status for each in ended))}; open items: {counted(why)}"
    )


@asynccontextmanager
async def running_storm(folder: Path, chance: Random) -> AsyncIterator[Storm]:
    """Run a world for the storm, with approval running and the exporters not started yet."""
    async with AsyncExitStack() as stack:
        erp = await started(stack, ErpProcess())
        connections = write_connections(folder, erp.connection, PATIENCE)
        options = WorldOptions(services=("approval",), erp_connections=connections, kafka=WatchfulKafka())
        storm = Storm(await stack.enter_async_context(running_world(folder, options)), erp, folder, chance)
        stack.push_async_callback(storm.people.close)
        for exporter in (storm.dying, storm.steady):
            stack.push_async_callback(asyncio.to_thread, exporter.close)
        yield storm
