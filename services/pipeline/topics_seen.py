"""Knows whether a topic is still the one of which offsets were saved, by the id that Kafka gives to each.

In a topic that was made anew, a saved offset means another message. Where the new topic has as many messages by then,
no broker would refuse it, and those before it would never be read.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from services.pipeline.database import Database, Transaction
from services.pipeline.tables import KernelTables


class TopicsSeen:
    """The topics of one service as they were when it first read or wrote them."""

    def __init__(self, tables: KernelTables) -> None:
        self._table = tables.topic_seen
        self._offset = tables.consumer_offset

    async def made_anew(self, database: Database, ids: Mapping[str, str]) -> list[str]:
        """Return the topics of which offsets are saved that were those of another topic; note `ids` of all others."""
        async with database.begin() as db:
            seen = {row.topic: row.topic_id for row in await db.execute(select(self._table))}
            read = set((await db.execute(select(self._offset.c.topic).distinct())).scalars())
            anew = {topic for topic, topic_id in ids.items() if seen.get(topic, topic_id) != topic_id and topic in read}
            await self._note(db, {topic: ids[topic] for topic in ids.keys() - anew if seen.get(topic) != ids[topic]})
        return sorted(anew)

    async def forget(self, db: Transaction, topics: Iterable[str]) -> None:
        """Take `topics` as they are now, since somebody has decided where to continue."""
        await db.execute(delete(self._table).where(self._table.c.topic == func.any(list(topics))))

    async def _note(self, db: Transaction, ids: Mapping[str, str]) -> None:
        for topic in sorted(ids):
            row = insert(self._table).values(topic=topic, topic_id=ids[topic])
            await db.execute(row.on_conflict_do_update(index_elements=["topic"], set_={"topic_id": ids[topic]}))
