"""Which summaries were made: at most one for each recipient and local date."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.digest.rules.due import Due
from services.digest.rules.recipients import Recipient
from services.digest.storage.tables import DIGEST_RUN
from services.pipeline.database import Transaction


async def sent_since(db: Transaction, first: date) -> set[tuple[str, date]]:
    """Return (recipient id, local date) of every summary for `first` or a later date."""
    sent = select(DIGEST_RUN.c.recipient_id, DIGEST_RUN.c.local_date).where(DIGEST_RUN.c.local_date >= first)
    return {(row.recipient_id, row.local_date) for row in await db.execute(sent)}


async def claim(db: Transaction, recipient: Recipient, due: Due, now: datetime) -> bool:
    """Record that this transaction makes the summary; False if another one has already made it."""
    run = insert(DIGEST_RUN).values(
        recipient_id=recipient.person.person_id,
        local_date=due.local_date,
        company_id=recipient.person.company_id,
        due_at=due.at,
        published_at=now,
    )
    claimed = await db.execute(run.on_conflict_do_nothing().returning(DIGEST_RUN.c.recipient_id))
    return claimed.first() is not None
