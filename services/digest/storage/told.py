"""Reads what the digest knows of one commitment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select

from services.digest.rules.items import Item
from services.digest.storage.summaries import item_in
from services.digest.storage.tables import DIGEST_RUN, ITEM, PERSON
from services.pipeline.database import Transaction
from services.pipeline.unreadable import read_or_none

MAX_SUMMARIES = 60


@dataclass(frozen=True, slots=True)
class MadeSummary:
    """A summary that was made."""

    recipient_id: str
    recipient: str
    local_date: date
    published_at: datetime


async def item(db: Transaction, commitment_id: str) -> Item | None:
    """Return a commitment by its latest status; None without one, or if a summary could not read it."""
    row = (await db.execute(select(ITEM).where(ITEM.c.id == commitment_id))).one_or_none()
    return None if row is None else read_or_none(ITEM, commitment_id, partial(item_in, row))


async def made_since(db: Transaction, recipient_ids: Collection[str], since: datetime) -> Sequence[MadeSummary]:
    """Return the last summaries to these people that were made at or after `since`, oldest first."""
    run = DIGEST_RUN.c
    chosen = (
        select(run.recipient_id, PERSON.c.name, run.local_date, run.published_at)
        .join(PERSON, PERSON.c.id == run.recipient_id)
        .where(
            run.recipient_id.in_(sorted(recipient_ids)),
            run.local_date >= (since - timedelta(days=2)).date(),  # which is in the index; zones differ by a day
            run.published_at >= since,
        )
        .order_by(run.published_at.desc(), run.recipient_id)
        .limit(MAX_SUMMARIES)
    )
    return [MadeSummary(row[0], row[1], row[2], row[3]) for row in reversed((await db.execute(chosen)).all())]
