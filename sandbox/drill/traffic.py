"""Many commitments at once: sends them, and accepts them as they arrive."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import httpx2

from sandbox.story import StepFailedError
from sandbox.story.actors import Actors
from sandbox.world import World
from schemas.envelope import encode, new_event
from schemas.events import CommitmentSent
from schemas.examples.cast import CONCRETE_1
from schemas.examples.example import submitted
from services.pipeline.broker import EventProducer

PAUSE_SECONDS = 0.2
ACCEPTS_AT_ONCE = 8


def submission(commitment_id: str, number: int) -> bytes:
    """A subcontract as upstream publishes it."""
    commitment = CONCRETE_1.model_copy(update={"id": commitment_id, "number": f"SC-{number:04}"})
    data = CommitmentSent(**submitted(commitment, 1))
    return encode(new_event(data, source="tests", time=datetime.now(UTC)))


def some_ids(prefix: str, number: int) -> list[str]:
    """Return the ids of `number` commitments."""
    return [f"{prefix}-{each:05}" for each in range(number)]


async def send(world: World, ids: Sequence[str], *, over_seconds: float = 0.0) -> None:
    """Publish a submission of each of `ids`, evenly over `over_seconds`, and return once Kafka has all of them."""
    producer = EventProducer(world.kafka_settings, "tests")
    began = monotonic()
    sending = []
    try:
        for place, each in enumerate(ids):
            await asyncio.sleep(began + over_seconds * place / len(ids) - monotonic())
            message = (CommitmentSent.topic, each, submission(each, place + 1))
            sending.append(asyncio.create_task(producer.send([message])))
        outcomes = await asyncio.gather(*sending)
    finally:
        await asyncio.to_thread(producer.close)
    if failed := [error for errors in outcomes for error in errors if error]:
        raise StepFailedError(f"Kafka did not take {len(failed)} submissions: {failed[0]}")


@asynccontextmanager
async def accepting(world: World, desk_url: Callable[[], str] | None = None) -> AsyncIterator[None]:
    """Dana accepts whatever waits while the block runs, however often the desk goes down or moves meanwhile."""
    stopping = asyncio.Event()
    approver = asyncio.create_task(_accept_until(stopping, world, desk_url))
    try:
        yield
    finally:
        stopping.set()
        await approver


async def _accept_until(stopping: asyncio.Event, world: World, desk_url: Callable[[], str] | None) -> None:
    while not stopping.is_set():
        async with Actors(world, desk_url=desk_url() if desk_url else None) as actors:
            with suppress(httpx2.HTTPError, StepFailedError):
                await _accept_all(actors)
        await asyncio.sleep(PAUSE_SECONDS)


async def _accept_all(actors: Actors) -> None:
    gate = asyncio.Semaphore(ACCEPTS_AT_ONCE)

    async def accept(row: Mapping[str, Any]) -> None:
        async with gate:
            with suppress(httpx2.HTTPError, StepFailedError):
                await actors.accept(row)

    await asyncio.gather(*(accept(row) for row in await actors.rows("ready")))
