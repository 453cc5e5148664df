"""FastStream on confluent-kafka or on aiokafka, with the acknowledgement after the work."""

import asyncio
import sys
from importlib import import_module
from typing import Annotated, Any

from faststream import AckPolicy, Context, FastStream
from faststream.message import StreamMessage
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.contenders.work import (
    REMEMBER,
    SOURCE_TOPIC,
    STATUS_TOPIC,
    UPSERT,
    Place,
    SentEvent,
    remembered,
    status_event,
    upserted,
)

FLAVOURS = {"confluent": "faststream.confluent", "aiokafka": "faststream.kafka"}


def build(place: Place, flavour: str) -> FastStream:
    """Return the application on one of FLAVOURS."""
    kafka: Any = import_module(FLAVOURS[flavour])
    engine = create_async_engine(place.database_url("asyncpg"))
    broker = kafka.KafkaBroker(place.kafka, logger=None)

    @broker.subscriber(
        SOURCE_TOPIC, group_id=place.group, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR
    )
    @broker.publisher(STATUS_TOPIC)
    async def on_sent(event: SentEvent, message: Annotated[StreamMessage[Any], Context()]) -> Any:
        async with engine.begin() as db:
            if (await db.execute(text(REMEMBER), remembered(event))).rowcount:
                await db.execute(text(UPSERT), upserted(event, message.body))
        status = status_event(event.subject, event.data.company_id, event.data.revision)
        return kafka.KafkaResponse(status, key=event.subject.encode())

    return FastStream(broker, logger=None)


if __name__ == "__main__":
    asyncio.run(build(Place.from_environment(), sys.argv[1]).run())
