"""What open dead letters have in common, without their contents, of which there may be gigabytes."""

from typing import NamedTuple

from sqlalchemy import Table, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from services.pipeline.database import Transaction
from services.pipeline.row_filter import RowFilter


class Kind(NamedTuple):
    """A topic and an explanation, with the position of the first open letter that has both."""

    topic: str
    why: str
    partition: int
    offset: int


async def kinds_of_open(
    db: Transaction, table: Table, chosen: RowFilter, limit: int, after: Kind | None = None
) -> list[Kind]:
    """Return the kinds of the open letters of those `chosen` in their order, at most `limit` behind `after`."""
    c = table.c
    is_chosen = [c.settled_at.is_(None), *chosen.conditions(table, c.recorded_at)]
    if after is not None:
        is_chosen.append(tuple_(c.topic, c.why) > (after.topic, after.why))
    wanted = select(c.topic, c.why, c.partition, c.offset).ext(distinct_on(c.topic, c.why)).where(*is_chosen)
    rows = await db.execute(wanted.order_by(c.topic, c.why, c.partition, c.offset).limit(limit))
    return [Kind(*row) for row in rows]
