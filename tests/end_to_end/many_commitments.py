"""Many commitments at once: sends them, accepts them as they arrive, and waits until they are GREEN."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import httpx2
import orjson

from sandbox.story import StepFailedError
from sandbox.story.actors import Actors
from sandbox.world import World
from schemas.envelope import encode, new_event
from schemas.events import CommitmentSent, CommitmentStatus
from schemas.examples.cast import CONCRETE_1
from schemas.examples.example import submitted
from services.pipeline.broker import EventProducer, TopicReader

PAUSE_SECONDS = 0.2
ACCEPTS_AT_ONCE = 8


def submission(commitment_id: str, number: int) -> bytes:
    """A subcontract as upstream publishes it."""
    commitment = CONCRETE_1.model_copy(update={"id": commitment_id, "number": f"SC-{number:04}"})
    data = CommitmentSent(**submitted(commitment, 1))
    return encode(new_event(data, source="tests", time=datetime.now(UTC)))


async def send(world: World, ids: Sequence[str]) -> None:
    """Publish a submission of each of `ids`."""
    producer = EventProducer(world.kafka_settings, "tests")
    messages = [(CommitmentSent.topic, each, submission(each, number)) for number, each in enumerate(ids, 1)]
    assert not any(await producer.send(messages))
    await asyncio.to_thread(producer.close)


@asynccontextmanager
async def accepting(world: World) -> AsyncIterator[None]:
    """Dana accepts whatever waits while the block runs, however often the desk goes down meanwhile."""
    stopping = asyncio.Event()
    approver = asyncio.create_task(_accept_until(stopping, world))
    try:
        yield
    finally:
        stopping.set()
        await approver


async def _accept_until(stopping: asyncio.Event, world: World) -> None:
    async with Actors(world) as actors:
        while not stopping.is_set():
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


class Ribbons:
    """The ribbon of each commitment, by the latest status event."""

    def __init__(self, world: World) -> None:
        self._reader = TopicReader(world.kafka_settings, [CommitmentStatus.topic])
        self._versions: dict[str, int] = {}
        self.by_id: dict[str, str] = {}

    def read(self) -> Counter[str]:
        """Read new status events and count the ribbons. Blocks for up to half a second."""
        for record in self._reader.read(0.5):
            status = orjson.loads(record.value or b"{}")["data"]
            if status["version"] > self._versions.get(status["commitment_id"], -1):
                self._versions[status["commitment_id"]] = status["version"]
                self.by_id[status["commitment_id"]] = status["ribbon"]
        return Counter(self.by_id.values())

    def close(self) -> None:
        """Close the consumer."""
        self._reader.close()


async def until_green(world: World, count: int, seconds: float) -> Counter[str]:
    """Count the ribbons once `count` are GREEN, or as they are after `seconds`."""
    ribbons = Ribbons(world)
    deadline = monotonic() + seconds
    seen: Counter[str] = Counter()
    while seen["GREEN"] < count and monotonic() < deadline:
        seen = await asyncio.to_thread(ribbons.read)
    ribbons.close()
    return seen
