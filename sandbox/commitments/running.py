"""Runs the Commitments tool on the loopback, in the current event loop, on a Kafka that has its topics."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from sandbox.commitments.app import build_commitments
from sandbox.commitments.tool import CommitmentsTool
from sandbox.commitments.topic_follower import TOPICS, TopicFollower
from sandbox.serving import listen, served, url_of
from services.pipeline.broker import EventProducer, TopicReader
from services.pipeline.settings import KafkaSettings


@asynccontextmanager
async def running_commitments(
    kafka: KafkaSettings, *, port: int = 0, neighbours: Mapping[str, str] | None = None
) -> AsyncIterator[CommitmentsTool]:
    """A tool that is served at its `url` while the block runs; it has published the directory.

    Raises OSError if the port is taken, NotPublishedError if Kafka does not take the directory.
    """
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listen(port))
        producer = EventProducer(kafka, "sandbox-commitments")
        stack.push_async_callback(asyncio.to_thread, producer.close)
        reader = await asyncio.to_thread(TopicReader, kafka, TOPICS)
        stack.push_async_callback(asyncio.to_thread, reader.close)
        tool = CommitmentsTool(url_of(listener), producer)
        await stack.enter_async_context(_following(TopicFollower(tool, reader)))
        # After catching up: published before, an older version could be what the compacted topic keeps.
        await tool.publish_people()
        await stack.enter_async_context(served(build_commitments(tool, neighbours), listener))
        yield tool


@asynccontextmanager
async def _following(follower: TopicFollower) -> AsyncIterator[None]:
    await follower.catch_up()
    stopping = asyncio.Event()
    following = asyncio.create_task(follower.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await following
