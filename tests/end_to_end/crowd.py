"""Many commitments at once: sent by upstream, accepted by an approver who never tires, counted in the ERP's journal."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import httpx2
import orjson

from sandbox.world import World
from schemas.envelope import encode, new_event
from schemas.events import CommitmentSent, CommitmentStatus
from schemas.examples.cast import CONCRETE_1, DANA
from schemas.examples.example import submitted
from services.pipeline.broker import EventProducer, TopicReader

PAUSE_SECONDS = 0.2
ACCEPTS_AT_ONCE = 8


def submission(commitment_id: str, number: int) -> bytes:
    """One subcontract as upstream publishes it."""
    commitment = CONCRETE_1.model_copy(update={"id": commitment_id, "number": f"SC-{number:04}"})
    data = CommitmentSent(**submitted(commitment, 1))
    return encode(new_event(data, source="tests", time=datetime.now(UTC)))


async def send(world: World, ids: Sequence[str]) -> None:
    """Upstream sends each of `ids`."""
    producer = EventProducer(world.kafka_settings, "tests")
    messages = [(CommitmentSent.topic, each, submission(each, number)) for number, each in enumerate(ids, 1)]
    assert not any(await producer.send(messages))
    await asyncio.to_thread(producer.close)


class TirelessApprover:
    """Accepts whatever waits, through the API, as often as the desk has to be asked because it was down."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._token = world.sign_in.bearer_token(DANA.id)

    async def run(self, stopping: asyncio.Event) -> None:
        """Accept until told to stop."""
        headers = {"Authorization": f"Bearer {self._token}"}
        base_url = f"{self._world.desk_url}/api/v1"
        async with httpx2.AsyncClient(base_url=base_url, headers=headers, trust_env=False, timeout=10) as desk:
            while not stopping.is_set():
                with suppress(httpx2.HTTPError):
                    await self._accept_all(desk)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _accept_all(self, desk: httpx2.AsyncClient) -> None:
        page = await desk.get("/commitments?view=ready&limit=100")
        if page.status_code != httpx2.codes.OK:
            return
        gate = asyncio.Semaphore(ACCEPTS_AT_ONCE)

        async def accept(item: dict[str, Any]) -> None:
            async with gate:
                read = {"revision": item["revision"], "content_hash": item["content_hash"]}
                await desk.post(f"/commitments/{item['id']}/accept", json=read)

        await asyncio.gather(*(accept(item) for item in page.json()["items"]))


@asynccontextmanager
async def accepting(world: World) -> AsyncIterator[None]:
    """Somebody accepts whatever waits while the block runs."""
    stopping = asyncio.Event()
    approver = asyncio.create_task(TirelessApprover(world).run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await approver


class Ribbons:
    """What upstream reads of its commitments, each by its newest status."""

    def __init__(self, world: World) -> None:
        self._reader = TopicReader(world.kafka_settings, [CommitmentStatus.topic])
        self._versions: dict[str, int] = {}
        self.by_id: dict[str, str] = {}

    def read(self) -> Counter[str]:
        """Take what is new and count the ribbons. Blocks."""
        for record in self._reader.read(0.5):
            status = orjson.loads(record.value or b"{}")["data"]
            if status["version"] > self._versions.get(status["commitment_id"], -1):
                self._versions[status["commitment_id"]] = status["version"]
                self.by_id[status["commitment_id"]] = status["ribbon"]
        return Counter(self.by_id.values())

    def close(self) -> None:
        """Leave Kafka."""
        self._reader.close()


async def until_green(world: World, count: int, seconds: float) -> Counter[str]:
    """Return the ribbons once `count` are GREEN, or as they are when the time is over."""
    ribbons = Ribbons(world)
    deadline = monotonic() + seconds
    seen: Counter[str] = Counter()
    while seen["GREEN"] < count and monotonic() < deadline:
        seen = await asyncio.to_thread(ribbons.read)
    ribbons.close()
    return seen
