"""What the schedule reads: whom a summary may go to, and what it lists."""

from datetime import datetime

from sqlalchemy import and_, func, or_, select

from schemas.fields import ToolLevel
from services.digest.rules.items import CONCLUDED, OPEN, UNANSWERED, Item
from services.digest.rules.recipients import Recipient
from services.digest.storage.store import ITEMS, PEOPLE
from services.digest.storage.tables import ITEM, PERSON, PREFERENCE
from services.pipeline.database import Transaction


async def recipients(db: Transaction) -> list[Recipient]:
    """Return everybody who has any level on the ERP Integrations tool, company by company."""
    is_subscribed = PERSON.c.digest_subscribed & func.coalesce(PREFERENCE.c.subscribed, True)
    chosen = (
        select(PERSON, is_subscribed.label("is_subscribed"))
        .outerjoin(PREFERENCE, and_(PREFERENCE.c.id == PERSON.c.id, PREFERENCE.c.company_id == PERSON.c.company_id))
        .where(PERSON.c.erp_tool != ToolLevel.NONE)
        .order_by(PERSON.c.company_id, PERSON.c.id)
    )
    return [Recipient(PEOPLE.record(row), row.is_subscribed) for row in await db.execute(chosen)]


async def waiting_since(db: Transaction) -> dict[str, datetime]:
    """Return when the oldest unanswered commitment of each company that has one got its status."""
    oldest = (
        select(ITEM.c.company_id, func.min(ITEM.c.since))
        .where(ITEM.c.status.in_(UNANSWERED))
        .group_by(ITEM.c.company_id)
    )
    return {row[0]: row[1] for row in await db.execute(oldest)}


async def items(db: Transaction, company_id: str, concluded_from: datetime) -> list[Item]:
    """Return a company's open commitments, and those that were concluded at or after `concluded_from`."""
    is_listed = or_(ITEM.c.status.in_(OPEN), and_(ITEM.c.status.in_(CONCLUDED), ITEM.c.since >= concluded_from))
    chosen = select(ITEM).where(ITEM.c.company_id == company_id, is_listed)
    return [ITEMS.record(row) for row in await db.execute(chosen)]
