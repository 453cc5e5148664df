"""Finds the commitments of a filtered list, in its order, however long the list is.

Three ways are tried. Most lists are read in their order, until a page is full. If few of the first commitments match,
what one member of the filter allows is looked up in the index of that member and sorted, if it is not too much. What is
then left is read in the order of the list until the time is over, and the next page continues there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any

from sqlalchemy import CompoundSelect, FromClause, Integer, Select, and_, func, null, select, union_all

from services.approval.storage import candidates
from services.approval.storage.list_filter import Columns, conditions
from services.approval.storage.tables import COMMITMENT
from services.approval.storage.views import Cursor, DeskView, Listed, Sort, in_order, is_covered, ordered
from services.pipeline.database import Transaction

BUDGET_SECONDS = 0.015
FIRST_ROWS = 500
STEP_ROWS = 1_000
MOST_ROWS = 2_500
"""So many are read in any case, if that promises to fill the page."""

FASTER = 10
"""How many times as many are read in the same time if the index has all that is asked for."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The ids that were found; `next_after` continues them, None at the end of the list.

    `is_partial` says that the time was over before as many as wanted were found.
    """

    ids: Sequence[str]
    next_after: Cursor | None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of a list: which commitments of it match, where it ends, and how many it has."""

    matches: Sequence[Cursor]
    last: Cursor | None
    rows: int


async def search(
    db: Transaction,
    wanted: Listed,
    *,
    after: Cursor | None = None,
    limit: int,
    budget_seconds: float = BUDGET_SECONDS,
    clock: Callable[[], float] = monotonic,
) -> Hits:
    """Return at most `limit` commitments of a list.

    What is left after the look-up is read as long as the time is not over, or while few more rows promise a full page.
    """
    if not wanted.beside_index:
        return _hits(await _listed(db, wanted, after, limit + 1), limit)
    has_looked_up = wanted.sort.is_by_total and wanted.is_named
    if has_looked_up:  # no index has these in the order of their totals
        looked_up = await candidates.look_up(db, wanted, after, limit + 1)
        if looked_up is not None:
            return _hits(looked_up, limit)
    found: list[Cursor] = []
    faster = FASTER if wanted.is_covered else 1
    position, rows, seen, ends_at = after, FIRST_ROWS, 0, clock() + budget_seconds
    while True:
        stretch = await _scan(db, wanted, position, rows)
        found.extend(stretch.matches)
        position, seen = stretch.last or position, seen + stretch.rows
        if len(found) > limit or stretch.rows < rows:
            return _hits(found, limit)
        enough = seen * (limit + 1 - len(found)) // len(found) if found else seen * limit
        if seen + enough > MOST_ROWS * faster:
            if not has_looked_up:
                further, has_looked_up = await candidates.look_up(db, wanted, position, limit + 1 - len(found)), True
                if further is not None:
                    return _hits([*found, *further], limit)
            if clock() >= ends_at:
                return Hits(_ids(found), position, is_partial=True)
        rows = max(FIRST_ROWS, min(2 * enough, STEP_ROWS * faster))


def _hits(found: Sequence[Cursor], limit: int) -> Hits:
    return Hits(_ids(found[:limit]), found[limit - 1] if len(found) > limit else None)


def _ids(positions: Sequence[Cursor]) -> list[str]:
    return [position.id for position in positions]


async def _listed(db: Transaction, wanted: Listed, position: Cursor | None, rows: int) -> Sequence[Cursor]:
    """Return the next `rows` commitments of a list that an index has as it is."""
    statement = _first(wanted.view, wanted.sort, wanted.in_index, is_continued=position is not None)
    return [wanted.cursor(row) for row in await db.execute(statement, wanted.parameters(position, rows))]


async def _scan(db: Transaction, wanted: Listed, position: Cursor | None, rows: int) -> _Stretch:
    """Return the matches among the next `rows` commitments of a list."""
    is_continued = position is not None
    statement = _scanned(wanted.view, wanted.sort, wanted.in_index, wanted.beside_index, is_continued=is_continued)
    answer = (await db.execute(statement, wanted.parameters(position, rows))).all()
    ends = [row for row in answer if row.rows is not None]
    found = sorted((row for row in answer if row.rows is None), key=lambda row: row.place)
    return _Stretch([*map(wanted.cursor, found)], wanted.cursor(ends[0]) if ends else None, ends[0].rows if ends else 0)


@cache
def _first(view: DeskView, sort: Sort, in_index: frozenset[str], *, is_continued: bool) -> Select[Any]:
    return select(in_order(view, sort, in_index, is_continued=is_continued))


@cache
def _scanned(
    view: DeskView, sort: Sort, in_index: frozenset[str], beside: frozenset[str], *, is_continued: bool
) -> CompoundSelect[Any]:
    """Return the statement that finds the matches among some commitments, and the last of these with their count."""
    listed = in_order(view, sort, in_index, is_continued=is_continued)
    keys, order = [listed.c[key] for key in sort.keys], ordered(listed.c, sort)
    place = func.row_number().over(order_by=order).label("place")
    if is_covered(in_index, beside):
        source: FromClause = listed
        columns: Columns = listed.c
    else:
        source, columns = listed.join(COMMITMENT, COMMITMENT.c.id == listed.c.id), COMMITMENT.c
    is_match = and_(*conditions(beside, columns)).label("is_match")
    seen = select(*keys, place, is_match).select_from(source).cte("seen").prefix_with("materialized")
    shown = [seen.c[key] for key in sort.keys]
    matches = select(*shown, seen.c.place, null().cast(Integer).label("rows")).where(seen.c.is_match)
    last = select(*shown, seen.c.place, seen.c.place.cast(Integer)).order_by(seen.c.place.desc()).limit(1)
    return union_all(matches, select(last.subquery()))
