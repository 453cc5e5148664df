"""The load: realistic submissions, each of a different commitment."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from schemas.envelope import encode, new_event
from schemas.events import CommitmentSent
from schemas.examples.cast import CONCRETE_1
from schemas.examples.example import submitted
from services.pipeline.broker import EventProducer
from services.pipeline.settings import KafkaSettings

TOPIC = CommitmentSent.topic
_BATCH = 5_000


def submission(commitment_id: str) -> bytes:
    """Return the `commitment.sent` event of one subcontract with five lines, about 1.9 kB."""
    commitment = CONCRETE_1.model_copy(update={"id": commitment_id, "number": f"SC-{commitment_id[-6:]}"})
    data = CommitmentSent(**submitted(commitment, 1), note="As agreed on site.")
    return encode(new_event(data, source="benchmarks", time=datetime.now(UTC)))


async def preload(settings: KafkaSettings, ids: Sequence[str]) -> None:
    """Publish one submission for each of `ids`."""
    producer = EventProducer(settings, "benchmarks")
    for chunk in _chunks(ids, _BATCH):
        errors = await producer.send([(TOPIC, each, submission(each)) for each in chunk])
        assert not any(errors), errors
    await asyncio.to_thread(producer.close)


def _chunks(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
