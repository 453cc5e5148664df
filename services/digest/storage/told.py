"""Reads what the digest knows of one commitment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from services.digest.storage.tables import DIGEST_RUN, ITEM, PERSON
from services.pipeline.database import Transaction

MAX_SUMMARIES = 60


@dataclass(frozen=True, slots=True)
class ListedItem:
    """A commitment by its latest status, without its contents."""

    company_id: str
    status: str
    since: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class MadeSummary:
    """A summary that was made."""

    recipient_id: str
    recipient: str
    local_date: date
    published_at: datetime


async def item(db: Transaction, commitment_id: str) -> ListedItem | None:
    """Return what is known of a commitment; None without a status."""
    table = ITEM.c
    chosen = select(table.company_id, table.status, table.since, table.revision).where(table.id == commitment_id)
    row = (await db.execute(chosen)).one_or_none()
    return None if row is None else ListedItem(*row)


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
    return [MadeSummary(*row) for row in reversed((await db.execute(chosen)).all())]
