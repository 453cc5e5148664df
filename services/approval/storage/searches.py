"""Searches a view for text anywhere in a number, title, vendor or project.

No index helps with that, so a search reads commitments in the order of the list. It ends when a page is full or its
time is over, and the next page continues there. A number that begins with the text is found at once all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any

from sqlalchemy import CompoundSelect, Integer, Text, bindparam, func, null, or_, select, tuple_, union_all

from services.approval.storage.tables import COMMITMENT, begins_with
from services.approval.storage.views import DeskView, Position, conditions, in_order, place
from services.pipeline.database import Transaction

BUDGET_SECONDS = 0.015
FIRST_ROWS = 200
MOST_ROWS = 2_000
QUICK_SECONDS = 0.005
MAX_NUMBERS = 200


@dataclass(frozen=True, slots=True)
class Hits:
    """The ids that a search found; `next_after` continues it, None at the end of the list.

    `is_partial` says that the time was over before as many as wanted were found.
    """

    ids: Sequence[str]
    next_after: Position | None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class _Scan:
    """A stretch of a list: which commitments of it match, where it ends, and how many it has."""

    matches: Sequence[Position]
    last: Position | None
    rows: int


async def search(
    db: Transaction,
    company_id: str,
    view: DeskView,
    text: str,
    *,
    after: Position | None = None,
    limit: int,
    budget_seconds: float = BUDGET_SECONDS,
    clock: Callable[[], float] = monotonic,
) -> Hits:
    """Return at most `limit` commitments of a view that contain `text` in upper or lower case, oldest first.

    If the time is over, numbers further on that begin with `text` are added; a later page has them again in their
    place.
    """
    found: list[Position] = []
    position, rows, ends_at = after, FIRST_ROWS, clock() + budget_seconds
    while True:
        started_at = clock()
        scan = await _scan(db, company_id, view, text.lower(), position, rows)
        found.extend(scan.matches)
        position = scan.last or position
        if len(found) > limit:
            return Hits(_ids(found[:limit]), found[limit - 1])
        if scan.rows < rows:
            return Hits(_ids(found), None)
        if clock() >= ends_at:
            further = await _by_number(db, company_id, view, text, position, limit - len(found))
            return Hits(_ids([*found, *further]), position, is_partial=True)
        rows = min(rows * 2, MOST_ROWS) if clock() - started_at < QUICK_SECONDS else rows


async def _scan(
    db: Transaction, company_id: str, view: DeskView, sought: str, after: Position | None, rows: int
) -> _Scan:
    """Look for `sought`, in lower case, in the next `rows` commitments of the view."""
    statement = _scanned(view, is_continued=after is not None)
    given = place(company_id, after, rows) | {"sought": sought}
    answer = (await db.execute(statement, given)).all()
    ends = [row for row in answer if row.rows is not None]
    found = sorted((row.since, row.id) for row in answer if row.rows is None)
    return _Scan(found, (ends[0].since, ends[0].id) if ends else None, ends[0].rows if ends else 0)


@cache
def _scanned(view: DeskView, *, is_continued: bool) -> CompoundSelect[Any]:
    """Return the statement that finds the matches among some commitments, and the last of these with their count."""
    listed = in_order(view, is_continued=is_continued)
    seen = select(listed.c.id, listed.c.since, listed.c.searchable).cte("seen").prefix_with("materialized")
    is_match = func.strpos(seen.c.searchable, bindparam("sought", type_=Text)) > 0
    matches = select(seen.c.since, seen.c.id, null().cast(Integer).label("rows")).where(is_match)
    count = select(func.count()).select_from(seen).scalar_subquery()
    last = select(seen.c.since, seen.c.id, count).order_by(seen.c.since.desc(), seen.c.id.desc()).limit(1)
    return union_all(matches, select(last.subquery()))


async def _by_number(
    db: Transaction, company_id: str, view: DeskView, text: str, after: Position | None, limit: int
) -> Sequence[Position]:
    """Return commitments after a position whose number begins with `text`, as typed or in upper case."""
    table = COMMITMENT
    begins = or_(*(begins_with(each) for each in {text, text.upper()}))
    some = select(table.c.since, table.c.id, table.c.status, table.c.differs).where(
        table.c.company_id == company_id, begins
    )
    numbered = some.limit(MAX_NUMBERS).subquery()
    chosen = select(numbered.c.since, numbered.c.id).where(
        or_(*conditions(view, numbered.c)),
        tuple_(numbered.c.since, numbered.c.id) > after,
    )
    rows = await db.execute(chosen.order_by(numbered.c.since, numbered.c.id).limit(limit))
    return [(row.since, row.id) for row in rows]


def _ids(positions: Sequence[Position]) -> list[str]:
    return [commitment_id for _, commitment_id in positions]
