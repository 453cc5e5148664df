"""Publishes what the project's tools would: the revisions of the examples, and one that is too long to be taken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from sandbox.commitments.tool import NotPublishedError
from sandbox.filling.examples import Course, Example
from sandbox.world import World
from schemas.envelope import Event, encode, new_event
from schemas.events import CommitmentResent, CommitmentSent, EventData, Submission
from schemas.examples.cast import COMPANY
from schemas.limits import MAX_LINES
from schemas.snapshot import Snapshot
from services.pipeline.broker import EventProducer

SOURCE = "sandbox/filling"


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes submissions; every call raises NotPublishedError if Kafka refuses one."""

    producer: EventProducer

    async def first(self, *examples: Example) -> None:
        """Publish the first revision of each example, and the rival of a disputed one."""
        await self._send(*(_message(event) for each in examples for event in _first_events(each)))

    async def second(self, example: Example) -> None:
        """Publish the second revision."""
        await self._send(_message(_sent(CommitmentResent, example, revision=2)))

    async def too_long(self, example: Example) -> None:
        """Publish a second revision that has more lines than accounting takes."""
        event = _sent(CommitmentResent, example, revision=2)
        message = orjson.loads(encode(event))
        (line, *_) = message["data"]["commitment"]["lines"]
        lines = [line | {"position": position} for position in range(1, MAX_LINES + 2)]
        message["data"]["commitment"]["lines"] = lines
        await self._send((event.data.topic, event.subject, orjson.dumps(message)))

    async def _send(self, *messages: tuple[str, str, bytes]) -> None:
        for error in filter(None, await self.producer.send(list(messages))):
            raise NotPublishedError(f"Kafka did not accept the event: {error}")


@asynccontextmanager
async def publishing(world: World) -> AsyncIterator[Publisher]:
    """A publisher to the Kafka of `world`."""
    producer = EventProducer(world.kafka_settings, "sandbox-filling")
    try:
        yield Publisher(producer)
    finally:
        await asyncio.to_thread(producer.close)


def _message(event: Event[EventData]) -> tuple[str, str, bytes]:
    return event.data.topic, event.subject, encode(event)


def _first_events(example: Example) -> list[Event[EventData]]:
    """The first revision, and the rival of a disputed one."""
    events = [_sent(CommitmentSent, example, revision=1)]
    return events + [_sent(CommitmentResent, example, revision=1)] * (example.course is Course.DISPUTED)


def _sent(kind: type[Submission], example: Example, *, revision: int) -> Event[EventData]:
    """The event that hands a revision to accounting: the first one `age` ago, a later one now."""
    is_second = kind is CommitmentResent
    commitment = example.second if is_second and example.second else example.commitment
    data = kind(
        company_id=COMPANY,
        project_id=commitment.project.id,
        commitment=Snapshot.of(commitment.model_dump(mode="json", exclude_none=True)),
        revision=revision,
        sent_by=example.sent_by,
        note=example.second_note if is_second else example.note,
    )
    now = datetime.now(UTC)
    return new_event(data, source=SOURCE, time=now if revision > 1 else now - example.age)
