"""A Faust agent, with raw values because Faust's own records know no nested validation."""

import asyncio
import tempfile

import faust
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.contenders.work import (
    REMEMBER,
    SOURCE_TOPIC,
    STATUS_TOPIC,
    UPSERT,
    Place,
    SentEvent,
    encoded_status,
    remembered,
    upserted,
)


def build(place: Place, folder: str) -> faust.App:
    """Return the application, which keeps nothing in `folder`."""
    app = faust.App(
        place.group,
        broker=f"kafka://{place.kafka}",
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        value_serializer="raw",
        web_enabled=False,
        datadir=folder,
    )
    sent, status = app.topic(SOURCE_TOPIC, value_type=bytes), app.topic(STATUS_TOPIC, value_type=bytes)
    engine = create_async_engine(place.database_url("asyncpg"))

    @app.agent(sent)
    async def on_sent(stream: faust.StreamT[bytes]) -> None:
        async for message in stream.events():
            event = SentEvent.model_validate_json(message.value)
            async with engine.begin() as db:
                if (await db.execute(text(REMEMBER), remembered(event))).rowcount:
                    await db.execute(text(UPSERT), upserted(event, message.value))
            await status.send(key=message.key, value=encoded_status(event))

    return app


async def run(place: Place) -> None:
    """Run the agent until the process is stopped."""
    with tempfile.TemporaryDirectory() as folder:
        await build(place, folder).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(Place.from_environment()))
