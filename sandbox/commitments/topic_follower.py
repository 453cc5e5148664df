"""Reads from Kafka what the tool shows, from the beginning of the topics, so that a restart loses nothing."""

import asyncio
import logging

from sandbox.commitments.tool import CommitmentsTool
from schemas.envelope import decode
from schemas.events import (
    CommitmentResent,
    CommitmentSent,
    CommitmentStatus,
    DirectoryPerson,
    EventData,
    SubmissionRefused,
)
from schemas.message import UnreadableError
from services.pipeline.broker import TopicReader
from services.pipeline.records import Record

TOPICS = (
    CommitmentStatus.topic,
    CommitmentSent.topic,
    CommitmentResent.topic,
    SubmissionRefused.topic,
    DirectoryPerson.topic,
)

log = logging.getLogger(__name__)


class TopicFollower:
    """Applies the events on the topics to `tool`."""

    def __init__(self, tool: CommitmentsTool, reader: TopicReader) -> None:
        self._tool = tool
        self._reader = reader

    async def catch_up(self) -> None:
        """Return once everything that is on the topics now has been applied."""
        ends = await asyncio.to_thread(self._reader.ends)
        while not await asyncio.to_thread(self._reader.has_reached, ends):
            await self._apply_next()

    async def run(self, stopping: asyncio.Event) -> None:
        """Apply new events until `stopping` is set."""
        while not stopping.is_set():
            await self._apply_next()

    async def _apply_next(self) -> None:
        for record in await asyncio.to_thread(self._reader.read):
            if data := _read(record):
                await self._tool.apply(data)


def _read(record: Record) -> EventData | None:
    try:
        return decode(record.partition.topic, record.key, record.value, record.headers, record.at).data
    except UnreadableError as error:
        log.warning("A message of %s cannot be read: %s", record.partition.topic, error.reason)
        return None
