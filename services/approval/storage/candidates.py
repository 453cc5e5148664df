"""Looks up what one member of a filter allows in the index of that member, if it is not too much to sort or count."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import CTE, Integer, Select, Text, bindparam, func, or_, select, true, union_all
from sqlalchemy.dialects.postgresql import ARRAY

from services.approval.rules.folding import company_gram, grams
from services.approval.storage.list_filter import ListFilter, conditions
from services.approval.storage.tables import COMMITMENT, GRAMS, SEARCH_TEXT
from services.approval.storage.tallies import Tally, kept, tally_of
from services.approval.storage.views import (
    Cursor,
    DeskView,
    Listed,
    Sort,
    after,
    in_order,
    in_view,
    is_covered,
    ordered,
)
from services.pipeline.bulk import given_texts
from services.pipeline.database import Transaction

MAX_CANDIDATES = 2_000
MAX_COVERED = 20_000
"""As many are read in the same time if the index has all that is asked for."""

SAMPLE_ROWS = 150
MOST_GRAMS = 6
RARE_SHARE = 0.03
"""Above it the index of grams is of no use: what is frequent is soon found in the order of the list."""

_COUNTED = frozenset({"projects", "vendors", "is_changed"})
"""The members of a filter that have an index, and of which it is known how much it has."""

_RANGES = (frozenset({"min_total", "max_total"}), frozenset({"waited_days"}))
"""The members of a filter that are ranges of the same index."""

_TEXTS = ARRAY(Text)
_READ = ("id", "since", "total", "currency", "revision", "status", "differs", "searchable", "project", "vendor")


@dataclass(frozen=True, slots=True)
class _Way:
    """An index to try: the members of the filter that it serves, and further parameters."""

    members: frozenset[str]
    more: dict[str, Any] = field(default_factory=dict)


async def look_up(db: Transaction, wanted: Listed, position: Cursor | None, limit: int) -> Sequence[Cursor] | None:
    """Return the first `limit` commitments of a list after a position; None if every index has too much."""
    for way in await _ways(db, wanted):
        statement = _found(wanted.view, wanted.sort, way.members, wanted.only.given, is_continued=position is not None)
        rows = (await db.execute(statement, wanted.parameters(position, limit) | way.more)).all()
        if rows[0].candidates <= _most(way.members, wanted.only.given):
            return [wanted.cursor(row) for row in rows if row.id is not None]
    return None


async def count(db: Transaction, wanted: Listed) -> Tally:
    """Return how many commitments a list has, with their sums; a lower bound if every index has too much."""
    best = Tally(is_complete=False)
    for way in await _ways(db, wanted) or [_Way(frozenset())]:
        statement = _counted(wanted.view, way.members, wanted.only.given)
        rows = (await db.execute(statement, wanted.parameters(None, 0) | way.more)).all()
        is_complete = rows[0].candidates <= _most(way.members, wanted.only.given)
        found = tally_of(
            [(row.currency, row.how_many, row.total) for row in rows if row.how_many], is_complete=is_complete
        )
        if is_complete:
            return found
        best = max(best, found, key=lambda each: each.count)
    return best


async def _ways(db: Transaction, wanted: Listed) -> Sequence[_Way]:
    """Return the indexes to try, the most promising first; at most two, since each takes its time."""
    given, only = wanted.only.given, wanted.only
    sized = []
    for name in _COUNTED & given:
        known = await kept(db, wanted.company_id, wanted.view, ListFilter(**{name: getattr(only, name)}))
        if known and known.count <= _most(frozenset({name}), given):
            sized.append((known.count, name))
    if sized:
        return [_Way(frozenset({min(sized)[1]}))]
    rare = await _rare_grams(db, wanted) if "search" in given else ()
    searched = [_Way(frozenset({"search"}), {"grams": [company_gram(wanted.company_id), *rare]})] if rare else []
    ranges = [_Way(each & given) for each in _RANGES if each & given]
    return [*searched, *ranges][:2]


async def _rare_grams(db: Transaction, wanted: Listed) -> Sequence[str]:
    """Return the grams of the search that the fewest of some commitments have; none if all are frequent.

    The index finds what has all of some grams in the time that the rarest one needs, as long as the others are few. Of
    those that are equally rare the last ones are taken: what distinguishes a number is its end.
    """
    sought = grams(wanted.only.words)
    if not sought:
        return ()
    given = wanted.parameters(None, SAMPLE_ROWS) | {"grams": sought}
    frequent = {row.gram: row.how_many for row in await db.execute(_sample(wanted.view), given)}
    text = " ".join(wanted.only.words)
    rarest = sorted(sought, key=lambda gram: (frequent.get(gram, 0), -text.rindex(gram)))[:MOST_GRAMS]
    return rarest if frequent.get(rarest[0], 0) <= 2 * SAMPLE_ROWS * RARE_SHARE else ()


@cache
def _sample(view: DeskView) -> Select[Any]:
    """Return the statement that counts grams in the oldest and in the newest commitments, whose numbers differ."""
    ends = [in_order(view, sort, frozenset(), is_continued=False) for sort in (Sort.OLDEST, Sort.NEWEST)]
    texts = [select(COMMITMENT.c.searchable).join(each, each.c.id == COMMITMENT.c.id) for each in ends]
    text = union_all(*texts).cte("text")
    gram = given_texts("grams", "gram")
    joined = gram.join(text.prefix_with("materialized"), func.strpos(text.c.searchable, gram.c.gram) > 0)
    return select(gram.c.gram, func.count().label("how_many")).select_from(joined).group_by(gram.c.gram)


@cache
def _found(
    view: DeskView, sort: Sort, members: frozenset[str], given: frozenset[str], *, is_continued: bool
) -> Select[Any]:
    """Return the statement that sorts the candidates; each row, of which there is one at least, says how many."""
    chosen = _candidates(view, members, given)
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
    chosen = _candidates(view, members, given)
    added = (func.count().label("how_many"), func.sum(chosen.c.total).label("total"))
    matches = select(chosen.c.currency, *added).where(*_beside(chosen, view, members, given))
    sums = matches.group_by(chosen.c.currency).subquery()
    how_many = select(func.count().label("candidates")).select_from(chosen).subquery()
    return select(how_many.c.candidates, sums).select_from(how_many.outerjoin(sums, true()))


def _most(members: frozenset[str], given: frozenset[str]) -> int:
    """Return how many candidates are read at most from the index of `members`."""
    return MAX_COVERED if is_covered(members, given - members) else MAX_CANDIDATES


def _candidates(view: DeskView, members: frozenset[str], given: frozenset[str]) -> CTE:
    """Return what the index of `members` has, up to one more than the most.

    It is read in the order of the index: a bitmap would be made of all that the index has.
    """
    most = _most(members, given) + 1
    if "search" in members:
        has_grams = GRAMS.op("@>", is_comparison=True)(bindparam("grams", type_=_TEXTS))
        found = select(SEARCH_TEXT.c.commitment_id.label("id")).where(has_grams).limit(most).subquery()
    else:
        sort = Sort.SMALLEST if members & Sort.SMALLEST.ranges else Sort.OLDEST
        found = in_order(view, sort, members, is_continued=False, most=most)
        if is_covered(members, given - members):
            return select(found).cte("chosen").prefix_with("materialized")
    is_own = COMMITMENT.c.company_id == bindparam("company")
    read = select(*(COMMITMENT.c[name] for name in _READ)).join(found, found.c.id == COMMITMENT.c.id).where(is_own)
    return read.cte("chosen").prefix_with("materialized")


def _beside(chosen: CTE, view: DeskView, members: frozenset[str], given: frozenset[str]) -> Sequence[Any]:
    """Return the conditions that the index of `members` has not already fulfilled."""
    if "search" in members:
        return [or_(*in_view(view, chosen.c)), *conditions(given, chosen.c)]
    return conditions(given - members, chosen.c)
