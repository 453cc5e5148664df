"""Reads what summaries are made of, and records which were made: at most one for each recipient and local date."""

from collections.abc import Callable, Collection
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Row, Select, Table, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from schemas.commitment import Summary
from schemas.fields import ToolLevel
from services.digest.rules.due import Due
from services.digest.rules.items import CONCLUDED, OPEN, UNANSWERED, Item
from services.digest.rules.recipients import Recipient
from services.digest.storage.store import ITEMS, PEOPLE
from services.digest.storage.tables import DIGEST_RUN, ITEM, PERSON, PREFERENCE
from services.pipeline.apart import apart
from services.pipeline.companies import companies_in
from services.pipeline.database import Transaction
from services.pipeline.unreadable import readable

RecordT = TypeVar("RecordT")
_READ_ROWS = 500


async def recipients(db: Transaction, company_ids: Collection[str] | None = None) -> list[Recipient]:
    """Return everybody who has any level on the ERP Integrations tool, company by company.

    With `company_ids`, only those of these companies who may be accounting approvers.
    """
    is_subscribed = PERSON.c.digest_subscribed & func.coalesce(PREFERENCE.c.subscribed, True)
    chosen = (
        select(PERSON, is_subscribed.label("is_subscribed"))
        .outerjoin(PREFERENCE, and_(PREFERENCE.c.id == PERSON.c.id, PREFERENCE.c.company_id == PERSON.c.company_id))
        .where(PERSON.c.erp_tool != ToolLevel.NONE)
        .order_by(PERSON.c.company_id, PERSON.c.id)
    )
    if company_ids is not None:
        chosen = chosen.where(PERSON.c.company_id.in_(company_ids), PERSON.c.can_push_to_accounting)
    return await _readable(db, PERSON, chosen, lambda row: Recipient(PEOPLE.record(row), row.is_subscribed))


async def waiting_since(db: Transaction) -> dict[str, datetime]:
    """Return when the oldest unanswered commitment of each company that has one got its status."""
    company = companies_in(ITEM.c.company_id)
    oldest = [
        select(func.min(ITEM.c.since))
        .where(ITEM.c.company_id == company.c.id, ITEM.c.status == status.value)
        .scalar_subquery()
        for status in sorted(UNANSWERED)
    ]
    rows = await db.execute(select(company.c.id, func.least(*oldest)))
    return {row[0]: row[1] for row in rows if row[1] is not None}


async def items(db: Transaction, company_id: str, concluded_from: datetime) -> list[Item]:
    """Return a company's open commitments, and those that were concluded at or after `concluded_from`."""
    is_listed = or_(ITEM.c.status.in_(OPEN), and_(ITEM.c.status.in_(CONCLUDED), ITEM.c.since >= concluded_from))
    chosen = select(ITEM).where(ITEM.c.company_id == company_id, is_listed)
    return await _readable(db, ITEM, chosen, item_in)


def item_in(row: Row[Any]) -> Item:
    """Return the commitment in a row of ITEM; one of ODD if it cannot be read."""
    Summary.model_validate_json(row.summary)  # here, where one that cannot be read is only left out
    return ITEMS.record(row)


async def _readable(
    db: Transaction, table: Table, chosen: Select[Any], record: Callable[[Row[Any]], RecordT]
) -> list[RecordT]:
    """Read the rows in pieces, since a company may have a hundred thousand commitments."""
    found: list[RecordT] = []
    async with db.stream(chosen, execution_options={"yield_per": _READ_ROWS}) as rows:
        async for some in rows.partitions():
            found += await apart(partial(readable, table, some, lambda row: row.id, record))
    return found


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
