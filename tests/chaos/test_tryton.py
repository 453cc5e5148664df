"""Exporters die, and the network before a real Tryton fails, and every commitment is one purchase there."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import monotonic

from sandbox.drill.statuses import following
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.erp.faults import Calls
from sandbox.erp_under_demo import ErpKind
from sandbox.tryton.erp import TrytonErp
from sandbox.tryton.faults import TrytonFault, TrytonFaultKind
from sandbox.world import World, WorldOptions, running_world
from schemas.envelope import encode, new_event
from schemas.events import CommitmentResent
from schemas.examples.cast import CONCRETE_2
from schemas.examples.example import submitted
from services.pipeline.broker import EventProducer
from tests.chaos.test_kill_and_recover import dies_at
from tests.chaos.tryton_books import Books, open_items, purchases

POINTS = (
    "exporter.after_claim",
    "exporter.before_call",
    "exporter.after_call",
    "exporter.before_settle_commit",
    "exporter.after_settle",
)
TIMEOUT_SECONDS, SETTLE_SECONDS = 8.0, 8.0
PATIENCE = {
    "timeout_seconds": TIMEOUT_SECONDS,
    "settle_seconds": SETTLE_SECONDS,
    "first_probe_seconds": 0.5,
    "first_retry_seconds": 0.5,
    "max_missed_calls": 1_000,
    "max_in_flight": 8,
}
"""Calls are few at a time, since Tryton shares its processor with everything else here."""
FAULT_EVERY_SECONDS = 0.4
LINES = len(CONCRETE_2.lines)


@dataclass(frozen=True)
class Size:
    deaths_at_each_point: int
    commitments_per_death: int
    done_within_seconds: float


SHORT = Size(deaths_at_each_point=1, commitments_per_death=4, done_within_seconds=200)
LONG = Size(deaths_at_each_point=8, commitments_per_death=5, done_within_seconds=600)


async def test_every_commitment_is_one_purchase_at_its_revision_whatever_fails(
    tmp_path: Path, size: Size, chance: Random, report: Callable[[str], None]
) -> None:
    """Counted in Tryton's tables. Half of the commitments are re-sent, and so are updated, while everything fails."""
    options = WorldOptions(services=("approval", "exporter"), erp=ErpKind.TRYTON, erp_settings=PATIENCE)
    points = POINTS * size.deaths_at_each_point
    ids = some_ids("t", len(points) * size.commitments_per_death)
    async with running_world(tmp_path, options) as world, following(world) as statuses:
        async with accepting(world), failing(world, chance) as faults:
            survived = await die_at(world, points, ids)
            assert await statuses.until_green(ids, size.done_within_seconds)
            await resend(world, {each: place // len(points) + 1 for place, each in enumerate(ids) if place % 2 == 0})
            await until_revised(world, ids[::2], size.done_within_seconds)
        books, waiting = await purchases(world), await open_items(world)
        report(f"tryton: {len(points) - len(survived)} of {len(points)} deaths; {in_figures(ids, books, waiting)}")
        report("tryton: calls that failed: " + ", ".join(f"{name} {count}" for name, count in sorted(faults.items())))

    assert survived == []
    assert {each: len(books[each]) for each in books} == dict.fromkeys(ids, 1)
    expected = {each: 2 if place % 2 == 0 else 1 for place, each in enumerate(ids)}
    wrong = {each: books[each] for each in ids if books[each][0].revision != expected[each] and each not in waiting}
    assert wrong == {}
    assert {books[each][0].lines for each in ids} == {LINES}


async def die_at(world: World, points: Sequence[str], ids: Sequence[str]) -> list[str]:
    """Let the exporter die at each point, with new commitments waiting; return the points where it has not died."""
    exporter = world.services["exporter"]
    survived = []
    for place, point in enumerate(points):
        await asyncio.to_thread(exporter.kill)
        await send(world, ids[place :: len(points)])
        if not await asyncio.to_thread(dies_at, exporter, point):
            survived.append(point)
    del exporter.environment["CRASH_AT"]
    await asyncio.to_thread(exporter.kill)
    await asyncio.to_thread(exporter.start)
    return survived


@asynccontextmanager
async def failing(world: World, chance: Random) -> AsyncIterator[Counter[str]]:
    """Let calls to Tryton fail at random while the block runs, and count the faults that have hit one.

    There are pauses: whoever is the last one would otherwise be hit in each of its calls.
    """
    assert isinstance(world.erp, TrytonErp)
    faults, hits, stopping = world.erp.faults, Counter[str](), asyncio.Event()

    async def keep_failing() -> None:
        while not stopping.is_set():
            fault = a_fault(chance)
            faults.switch_on(fault)
            await asyncio.sleep(FAULT_EVERY_SECONDS)
            if fault not in faults.faults:
                hits[fault.kind.value] += 1
            faults.replace(())
            await asyncio.sleep(chance.choice([0.0, FAULT_EVERY_SECONDS]))

    running = asyncio.create_task(keep_failing())
    try:
        yield hits
    finally:
        stopping.set()
        await running


def a_fault(chance: Random) -> TrytonFault:
    """Return a fault for one call: two in three hit writes; late ones are stored before the exporter relies on it."""
    kind = chance.choice([each for each in TrytonFaultKind if each is not TrytonFaultKind.REFUSE])
    calls = Calls.WRITES if chance.random() < 2 / 3 else Calls.EVERY
    longest = TIMEOUT_SECONDS + SETTLE_SECONDS / 3 if kind is TrytonFaultKind.LATE_ANSWER else SETTLE_SECONDS / 3
    seconds = chance.choice([0.0, 0.2, longest])
    return TrytonFault(kind=kind, times=1, calls=calls, seconds=seconds)


async def resend(world: World, numbers: Mapping[str, int]) -> None:
    """Publish the second revision of commitments, under the numbers that they were sent with."""
    producer = EventProducer(world.kafka_settings, "tests")
    try:
        for each, number in numbers.items():
            commitment = CONCRETE_2.model_copy(update={"id": each, "number": f"SC-{number:04}"})
            data = CommitmentResent(**submitted(commitment, 2))
            message = encode(new_event(data, source="tests", time=datetime.now(UTC)))
            assert await producer.send([(CommitmentResent.topic, each, message)]) == [None]
    finally:
        await asyncio.to_thread(producer.close)


async def until_revised(world: World, ids: Sequence[str], seconds: float) -> None:
    """Return once Tryton has the second revision of all of `ids`, or it is an open item, or after `seconds`."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        books, waiting = await purchases(world), await open_items(world)
        if all(books[each][0].revision == 2 or waiting.get(each) == "failed" for each in ids):
            return
        await asyncio.sleep(1)


def in_figures(ids: Sequence[str], books: Books, waiting: dict[str, str]) -> str:
    """Say what Tryton has of `ids`."""
    counts = Counter(min(len(books[each]), 2) for each in ids)
    revisions = Counter(books[each][0].revision for each in ids if books[each])
    return (
        f"{len(ids)} commitments: {counts[1]} are one purchase, {counts[2]} more than one, {counts[0]} none; "
        f"{revisions[1]} at revision 1, {revisions[2]} at revision 2; "
        f"open items: {dict(Counter(waiting.values())) or 'none'}"
    )
