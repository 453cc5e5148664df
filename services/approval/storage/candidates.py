"""Looks up what one member of a filter allows in the index of that member, if it is not too much to sort or count."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import CTE, Integer, Select, Text, bindparam, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from services.approval.rules.folding import company_gram, grams
from services.approval.storage.list_filter import conditions
from services.approval.storage.tables import COMMITMENT, GRAMS, SEARCH_TEXT
from services.approval.storage.views import Cursor, DeskView, Listed, Sort, after, in_order, in_view, ordered
from services.pipeline.database import Transaction

MAX_CANDIDATES = 5_000
SAMPLE_ROWS = 300
MOST_GRAMS = 4
RARE_SHARE = 0.1
"""Above it the index of grams is of no use: what is frequent is soon found in the order of the list."""

_INDEXED: tuple[frozenset[str], ...] = (
    frozenset({"search"}),
    frozenset({"projects"}),
    frozenset({"vendors"}),
    frozenset({"is_changed"}),
    frozenset({"min_total", "max_total"}),
    frozenset({"waited_days"}),
)
"""The members of a filter that share an index, the most selective first."""

_TEXTS = ARRAY(Text)
_READ = ("id", "since", "total", "status", "differs", "searchable", "project", "vendor", "revision", "currency")


@dataclass(frozen=True, slots=True)
class Counted:
    """(currency, count, sum) of what matches; not of all of it if that is too much: `is_complete` is false."""

    rows: Sequence[tuple[str, int, Decimal]]
    is_complete: bool


async def look_up(db: Transaction, wanted: Listed, position: Cursor | None, limit: int) -> Sequence[Cursor] | None:
    """Return the first `limit` commitments of a list after a position; None if every index has too much."""
    for members, more in await _ways(db, wanted):
        statement = _found(wanted.view, wanted.sort, members, wanted.only.given, is_continued=position is not None)
        rows = (await db.execute(statement, wanted.parameters(position, limit) | more)).all()
        if rows[0].candidates <= MAX_CANDIDATES:
            return [wanted.cursor(row) for row in rows if row.id is not None]
    return None


async def count(db: Transaction, wanted: Listed) -> Counted:
    """Return how many commitments a list has, with their sums."""
    best = Counted((), is_complete=False)
    for members, more in [*await _ways(db, wanted), (frozenset[str](), {})]:
        statement = _counted(wanted.view, members, wanted.only.given)
        rows = (await db.execute(statement, wanted.parameters(None, 0) | more)).all()
        found = [(row.currency, row.how_many, row.total) for row in rows if row.how_many]
        if rows[0].candidates <= MAX_CANDIDATES:
            return Counted(found, is_complete=True)
        best = max(best, Counted(found, is_complete=False), key=lambda each: sum(count for _, count, _ in each.rows))
    return best


async def _ways(db: Transaction, wanted: Listed) -> Sequence[tuple[frozenset[str], dict[str, Any]]]:
    """Return the indexes to try, as the members of the filter that they serve, and their further parameters."""
    ways = []
    for each in _INDEXED:
        members, more = each & wanted.only.given, dict[str, Any]()
        if "search" in members:
            rare = await _rare_grams(db, wanted)
            members, more = (
                (members, {"grams": [company_gram(wanted.company_id), *rare]}) if rare else (frozenset(), {})
            )
        if members:
            ways.append((members, more))
    return ways


async def _rare_grams(db: Transaction, wanted: Listed) -> Sequence[str]:
    """Return the grams of the search that the fewest of the first commitments have; none if all are frequent.

    The index finds what has all of some grams in the time that the rarest one needs, as long as the others are few.
    """
    sought = grams(wanted.only.words)
    if not sought:
        return ()
    given = wanted.parameters(None, SAMPLE_ROWS) | {"grams": sought}
    rows = (await db.execute(_sample(wanted.view, wanted.sort, wanted.in_index), given)).all()
    frequent = {row.gram: row.how_many for row in rows}
    rarest = sorted(sought, key=lambda gram: (frequent.get(gram, 0), gram))[:MOST_GRAMS]
    return rarest if frequent.get(rarest[0], 0) <= SAMPLE_ROWS * RARE_SHARE else ()


@cache
def _sample(view: DeskView, sort: Sort, in_index: frozenset[str]) -> Select[Any]:
    listed = in_order(view, sort, in_index, is_continued=False)
    text = select(COMMITMENT.c.searchable).join(listed, listed.c.id == COMMITMENT.c.id).cte("text")
    gram = func.unnest(bindparam("grams", type_=_TEXTS)).table_valued("gram").render_derived(name="sought")
    joined = gram.join(text.prefix_with("materialized"), func.strpos(text.c.searchable, gram.c.gram) > 0)
    return select(gram.c.gram, func.count().label("how_many")).select_from(joined).group_by(gram.c.gram)


@cache
def _found(
    view: DeskView, sort: Sort, members: frozenset[str], given: frozenset[str], *, is_continued: bool
) -> Select[Any]:
    """Return the statement that sorts the candidates; each row, of which there is one at least, says how many."""
    chosen = _candidates(view, members)
    keys = [chosen.c[key] for key in sort.keys]
    matches = select(*keys).where(
        *_beside(chosen, view, members, given), *after(chosen.c, sort, is_continued=is_continued)
    )
    first = matches.order_by(*ordered(chosen.c, sort)).limit(bindparam("rows", type_=Integer)).subquery()
    how_many = select(func.count().label("candidates")).select_from(chosen).subquery()
    every = select(how_many.c.candidates, first).select_from(how_many.outerjoin(first, true()))
    return every.order_by(*ordered(first.c, sort))


@cache
def _counted(view: DeskView, members: frozenset[str], given: frozenset[str]) -> Select[Any]:
    """Return the statement that adds the candidates up; each row, of which there is one at least, says how many."""
    chosen = _candidates(view, members)
    added = (func.count().label("how_many"), func.sum(chosen.c.total).label("total"))
    matches = select(chosen.c.currency, *added).where(*_beside(chosen, view, members, given))
    sums = matches.group_by(chosen.c.currency).subquery()
    how_many = select(func.count().label("candidates")).select_from(chosen).subquery()
    return select(how_many.c.candidates, sums).select_from(how_many.outerjoin(sums, true()))


def _candidates(view: DeskView, members: frozenset[str]) -> CTE:
    """Return what the index of `members` has, up to one more than MAX_CANDIDATES."""
    table = COMMITMENT
    chosen = select(*(table.c[name] for name in _READ)).where(table.c.company_id == bindparam("company"))
    if "search" in members:
        has_grams = GRAMS.op("@>", is_comparison=True)(bindparam("grams", type_=_TEXTS))
        found = select(SEARCH_TEXT.c.commitment_id).where(has_grams).limit(MAX_CANDIDATES + 1).subquery()
        chosen = chosen.join(found, found.c.commitment_id == table.c.id)
    else:
        chosen = chosen.where(or_(*in_view(view)), *conditions(members)).limit(MAX_CANDIDATES + 1)
    return chosen.cte("chosen").prefix_with("materialized")


def _beside(chosen: CTE, view: DeskView, members: frozenset[str], given: frozenset[str]) -> Sequence[Any]:
    """Return the conditions that the index of `members` has not already fulfilled."""
    if "search" in members:
        return [or_(*in_view(view, chosen.c)), *conditions(given, chosen.c)]
    return conditions(given - members, chosen.c)
