"""Reads from Kafka what the tool shows: statuses above all, and what was submitted, so that a restart loses nothing."""

import asyncio

import structlog

from sandbox.commitments.tool import CommitmentsTool
from schemas.envelope import UnreadableError, decode
from schemas.events import CommitmentResent, CommitmentSent, CommitmentStatus, DirectoryPerson, EventData
from services.pipeline.broker import TopicReader
from services.pipeline.records import Record

TOPICS = (CommitmentStatus.topic, CommitmentSent.topic, CommitmentResent.topic, DirectoryPerson.topic)

log = structlog.get_logger()


class Follower:
    """Applies what is on the topics to `tool`, from their beginning."""

    def __init__(self, tool: CommitmentsTool, reader: TopicReader) -> None:
        self._tool = tool
        self._reader = reader

    async def catch_up(self) -> None:
        """Returns when everything that is on the topics now has been applied."""
        ends = await asyncio.to_thread(self._reader.ends)
        while not await asyncio.to_thread(self._reader.has_reached, ends):
            await self._step()

    async def run(self, stopping: asyncio.Event) -> None:
        """Applies what comes until `stopping` is set."""
        while not stopping.is_set():
            await self._step()

    async def _step(self) -> None:
        for record in await asyncio.to_thread(self._reader.read):
            if data := _read(record):
                await self._tool.apply(data)


def _read(record: Record) -> EventData | None:
    try:
        return decode(record.partition.topic, record.key, record.value, record.headers, record.at).data
    except UnreadableError as error:
        log.warning("commitments.unreadable", topic=record.partition.topic, reason=error.reason)
        return None
