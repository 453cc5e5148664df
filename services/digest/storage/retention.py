"""What the digest forgets: the contents of finished commitments, and which summaries were made long ago.

The row of a commitment stays with its version, because the compacted topic keeps the commitment's last status for good:
reading it again must not bring an old status back.
"""

from datetime import datetime

from sqlalchemy import select, update

from schemas.fields import Status
from services.digest.rules.items import CONCLUDED
from services.digest.storage.tables import DIGEST_RUN, ITEM
from services.pipeline.database import Transaction
from services.pipeline.retention import (
    MAX_ROWS,
    RetentionRule,
    Swept,
    delete_oldest,
    in_range,
    next_keys,
    remove,
    row_address,
)

FINISHED = (*CONCLUDED, Status.RETRIEVED)
_EMPTY = "{}"


def rules(finished_days: int, summaries_days: int) -> tuple[RetentionRule, ...]:
    """Return the digest's rules."""
    return (
        RetentionRule("item", finished_days, sweep_items),
        RetentionRule("digest_run", summaries_days, sweep_runs),
    )


async def sweep_items(db: Transaction, after: str, before: datetime) -> Swept:
    """Empty finished commitments among the next ones."""
    last = await next_keys(db, ITEM.c.id, after)
    if last is None:
        return Swept(0, None)
    chosen = select(row_address(ITEM)).where(
        in_range(after, last, ITEM.c.id),
        ITEM.c.status.in_([status.value for status in FINISHED]),
        ITEM.c.since < before,
        ITEM.c.summary != _EMPTY,
    )
    rows = await remove(db, update(ITEM).values(message="", summary=_EMPTY), chosen)
    return Swept(rows, after if rows == MAX_ROWS else last)


async def sweep_runs(db: Transaction, after: str, before: datetime) -> Swept:
    """Forget that summaries were made."""
    del after
    return await delete_oldest(db, DIGEST_RUN, DIGEST_RUN.c.local_date, before.date())
