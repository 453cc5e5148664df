"""The items of a commitment's history as its page shows them: what was told again and again is one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, func, select

from schemas.events import ExportInDoubt
from services.approval.storage.tables import HISTORY
from services.pipeline.database import Transaction

MAX_ITEMS = 500


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """Something that happened, and how often in a row; `at` is the first time, `last_at` the last one."""

    at: datetime
    text: str
    times: int = 1
    last_at: datetime | None = None


async def history_items(db: Transaction, company_id: str, commitment_id: str) -> Sequence[HistoryItem]:
    """Return what happened to a commitment of the company, newest first; at most MAX_ITEMS items.

    Probes of one doubt that learned the same are one item: in a day there are more than a hundred.
    """
    rows = await db.execute(_ITEMS, {"company": company_id, "commitment": commitment_id})
    return [HistoryItem(row.at, row.text, row.times, row.last_at if row.times > 1 else None) for row in rows]


def _items() -> Select[Any]:
    """Number the items from the newest one on; a line that tells the same as the one after it has its number."""
    line, order = HISTORY.c, (HISTORY.c.at.desc(), HISTORY.c.event_id)
    told = (line.kind, line.revision, line.round, line.text)
    is_same = and_(*(each.is_not_distinct_from(func.lag(each).over(order_by=order)) for each in told))
    is_told_again = and_(line.kind == ExportInDoubt.topic, is_same)
    is_own = and_(line.commitment_id == bindparam("commitment"), line.company_id == bindparam("company"))
    lines = select(line.at, line.event_id, line.text, case((is_told_again, 0), else_=1).label("begins")).where(is_own)
    begun = lines.subquery()
    number = func.sum(begun.c.begins).over(order_by=(begun.c.at.desc(), begun.c.event_id)).label("number")
    numbered = select(begun.c.at, begun.c.text, number).subquery()
    times = (func.min(numbered.c.at).label("at"), func.count().label("times"), func.max(numbered.c.at).label("last_at"))
    items = select(numbered.c.text, *times).group_by(numbered.c.number, numbered.c.text)
    return items.order_by(numbered.c.number).limit(MAX_ITEMS)


_ITEMS = _items()
