"""While Kafka or the database is away, each service says so: not ready but live, in a few lines, each of them JSON."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2

from sandbox.drill.statuses import following
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.servers.local_server import LocalServer
from sandbox.story import StepFailedError
from sandbox.world import World, WorldOptions, running_world
from tests.chaos.lag_at_the_brokers import assert_lags_agree
from tests.log_lines import lines_in
from tests.waiting import eventually

MAX_LINES_PER_MINUTE = 25
"""What one service may say in any minute; without limits, it would be thousands."""
NOT_READY_WITHIN_SECONDS = 30.0
LOOK_SECONDS = 0.5
GREEN_WITHIN_SECONDS = 90.0


@dataclass(frozen=True)
class Size:
    seconds: float
    commitments: int


SHORT = Size(seconds=15, commitments=5)
LONG = Size(seconds=75, commitments=50)


@contextmanager
def stopped(server: LocalServer) -> Iterator[None]:
    """The server is away while the block runs."""
    server.stop()
    yield
    server.start()


async def test_services_are_not_ready_but_live_and_say_little_while_a_server_is_away(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    """Kafka and PostgreSQL are away, and stand still, for `seconds`; after each, all four services go on working."""
    counts = {}
    async with (
        running_world(tmp_path, WorldOptions(variables={"LOG_FORMAT": "json"})) as world,
        following(world) as statuses,
        accepting(world),
    ):
        ids = some_ids("before", size.commitments)
        await send(world, ids)
        for name, fault in faults(world).items():
            counts[name], not_ready = await said_while_away(world, fault, size.seconds)
            ids += (more := some_ids(name.replace(" ", "-"), size.commitments))
            await eventually(lambda more=more: are_sent(world, more))
            assert await statuses.until_green(ids, GREEN_WITHIN_SECONDS)
            report(
                f"log lines: {name} for {size.seconds:.0f} s: {in_figures(counts[name])}; "
                f"not ready after {in_figures(not_ready, ' s')}"
            )
        await assert_lags_agree(world, world.services.values())
        for service in world.services.values():
            await asyncio.to_thread(service.stop)
        written = {name: service.log.read_text() for name, service in world.services.items()}
    lines = {name: lines_in(text) for name, text in written.items()}

    for said in counts.values():
        assert all(said.values()), said  # whoever asks the log learns that something is away
        assert max(said.values()) <= MAX_LINES_PER_MINUTE, said
    assert all("service.stopped" in events(each) for each in lines.values())


async def are_sent(world: World, ids: list[str]) -> bool:
    """Whether Kafka took all of `ids`; just after its start, a busy broker may need longer than a producer waits."""
    try:
        await send(world, ids)
    except StepFailedError:
        return False
    return True


def faults(world: World) -> Mapping[str, AbstractContextManager[None]]:
    return {
        "Kafka away": stopped(world.kafka),
        "PostgreSQL away": stopped(world.postgres),
        "Kafka paused": world.kafka.paused(),
        "PostgreSQL paused": world.postgres.paused(),
    }


async def said_while_away(
    world: World, fault: AbstractContextManager[None], seconds: float
) -> tuple[Counter[str], Mapping[str, float]]:
    """Let `fault` last for `seconds`, or until no service is ready; return what each service wrote until it was again.

    Also after how many seconds each was not ready any more.
    """
    before = {name: len(lines_in(service.log.read_text())) for name, service in world.services.items()}
    looking = asyncio.create_task(live_until_stopped(world))
    await asyncio.to_thread(fault.__enter__)
    try:
        began = monotonic()
        not_ready = dict(await asyncio.gather(*(first_not_ready(world, name, began) for name in world.services)))
        await asyncio.sleep(max(0.0, began + seconds - monotonic()))  # it is away for so long
    finally:
        await asyncio.to_thread(fault.__exit__, None, None, None)
    for service in world.services.values():
        await eventually(lambda service=service: asyncio.to_thread(service.is_ready))
    looking.cancel()
    [outcome] = await asyncio.gather(looking, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError), outcome
    lines = {name: lines_in(service.log.read_text())[before[name] :] for name, service in world.services.items()}
    return business_left_out(lines), not_ready


async def first_not_ready(world: World, name: str, began: float) -> tuple[str, float]:
    await eventually(lambda: is_not_ready(world, name), NOT_READY_WITHIN_SECONDS, every=LOOK_SECONDS)
    return name, monotonic() - began


async def is_not_ready(world: World, name: str) -> bool:
    return not await asyncio.to_thread(world.services[name].is_ready)


async def live_until_stopped(world: World) -> None:
    """Assert twice a second that every service is live, until this task is cancelled."""
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as prober:
        while True:
            for name, service in world.services.items():
                answer = await prober.get(f"{service.url}/health/live")
                assert answer.is_success, name
            await asyncio.sleep(LOOK_SECONDS)


def business_left_out(lines: Mapping[str, list[dict[str, Any]]]) -> Counter[str]:
    """Count lines, but for those of which there is one for each commitment or mail."""
    return Counter({name: sum(not each["event"].endswith(".settled") for each in lines[name]) for name in lines})


def in_figures(said: Mapping[str, float], unit: str = "") -> str:
    return ", ".join(f"{name} {count:.0f}{unit}" for name, count in said.items())


def events(lines: list[dict[str, Any]]) -> set[str]:
    return {line["event"] for line in lines}
