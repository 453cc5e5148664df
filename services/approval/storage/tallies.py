"""How many commitments a list has, and their sums by currency.

Triggers on `commitment` keep them: each change of rows adds rows to `tally_change`, which `fold` adds to `tally` from
time to time. So no two transactions wait for the row of a number, and nothing has to be counted to be shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, Text, bindparam, func, select, text, union_all
from sqlalchemy.dialects.postgresql import ARRAY

from services.approval.storage.list_filter import Columns, ListFilter
from services.approval.storage.tables import TALLY, TALLY_CHANGE
from services.approval.storage.views import STATUSES, DeskView
from services.pipeline.database import Database, Transaction

FOLD_SECONDS = 2.0
MAX_FACETS = 20
_FOLDED_ROWS = 50_000

_KINDS: Mapping[frozenset[str], str] = {
    frozenset(): "all",
    frozenset({"projects"}): "project",
    frozenset({"vendors"}): "vendor",
    frozenset({"is_changed"}): "changed",
}
"""What is kept, by the members of a filter that are given."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many commitments a list has, and the sum of their totals by currency.

    If counting all would take too long, only so many were counted: `is_complete` is false.
    """

    count: int = 0
    sums: Mapping[str, Decimal] = field(default_factory=dict)
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Facet:
    """A project or vendor, and how many commitments of the view it has."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """The projects and vendors of a view, the most frequent first; at most MAX_FACETS each."""

    projects: Sequence[Facet] = ()
    vendors: Sequence[Facet] = ()


async def counts(db: Transaction, company_id: str) -> Mapping[DeskView, int]:
    """Return how many commitments each view holds."""
    rows = await db.execute(_BY_STATUS, {"company": company_id})
    by_status: dict[str, int] = {row.status: int(row.how_many) for row in rows}
    return {view: sum(by_status.get(status, 0) for status in _statuses(view)) for view in DeskView}


async def kept(db: Transaction, company_id: str, view: DeskView, only: ListFilter) -> Tally | None:
    """Return how many commitments the filtered list of a view has, and their sums; None if that is not kept."""
    kind = _KINDS.get(only.given)
    if kind is None:
        return None
    names = [*only.projects, *only.vendors] or [""]
    given = {"company": company_id, "statuses": _statuses(view), "kind": kind, "names": names}
    return tally_of([(row.currency, int(row.how_many), row.total) for row in await db.execute(_BY_CURRENCY, given)])


def tally_of(rows: Sequence[tuple[str, int, Decimal]], *, is_complete: bool = True) -> Tally:
    """Return the tally of (currency, count, sum)."""
    sums = {currency: total for currency, count, total in sorted(rows) if currency and count}
    return Tally(sum(count for _, count, _ in rows), sums, is_complete)


async def facets(db: Transaction, company_id: str, view: DeskView) -> Facets:
    """Return the projects and vendors of a view with the number of their commitments."""
    found: dict[str, list[Facet]] = {}
    for kind in ("project", "vendor"):
        given = {"company": company_id, "statuses": _statuses(view), "kind": kind}
        found[kind] = [Facet(row.name, int(row.how_many)) for row in await db.execute(_BY_NAME, given)]
    return Facets(found["project"], found["vendor"])


async def fold(db: Transaction) -> int:
    """Add changes to the tallies, and return how many; none if another process is just doing that."""
    if not (await db.execute(_IS_ALONE)).scalar_one():
        return 0
    return int((await db.execute(_FOLD, {"rows": _FOLDED_ROWS})).scalar_one())


async def keep_folded(database: Database) -> None:
    """Add all changes to the tallies, in short transactions."""
    folded = _FOLDED_ROWS
    while folded == _FOLDED_ROWS:
        async with database.begin() as db:
            folded = await fold(db)


def _statuses(view: DeskView) -> list[str]:
    return [view.value] if view is DeskView.DIFFERING else [each.value for each in STATUSES[view]]


def _both(*wanted: Callable[[Columns], ColumnElement[bool]]) -> Subquery:
    """Return the rows of both tables that fulfil the conditions, which are made for each table's columns."""
    parts = []
    for table in (TALLY, TALLY_CHANGE):
        kept = select(table.c.status, table.c.name, table.c.currency, table.c.count, table.c.total)
        parts.append(kept.where(table.c.company_id == bindparam("company"), *(each(table.c) for each in wanted)))
    return union_all(*parts).subquery()


def _is_kind(columns: Columns) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = columns.kind == bindparam("kind")
    return condition


def _is_of_view(columns: Columns) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = columns.status == func.any(bindparam("statuses", type_=ARRAY(Text)))
    return condition


def _is_named(columns: Columns) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = columns.name == func.any(bindparam("names", type_=ARRAY(Text)))
    return condition


def _by_status() -> Select[Any]:
    rows = _both(lambda columns: columns.kind == "all")
    return select(rows.c.status, func.sum(rows.c.count).label("how_many")).group_by(rows.c.status)


def _by_currency() -> Select[Any]:
    rows = _both(_is_kind, _is_of_view, _is_named)
    sums = (func.sum(rows.c.count).label("how_many"), func.sum(rows.c.total).label("total"))
    return select(rows.c.currency, *sums).group_by(rows.c.currency)


def _by_name() -> Select[Any]:
    rows = _both(_is_kind, _is_of_view)
    count = func.sum(rows.c.count)
    chosen = select(rows.c.name, count.label("how_many")).group_by(rows.c.name).having(count > 0)
    return chosen.order_by(count.desc(), rows.c.name).limit(MAX_FACETS)


_BY_STATUS, _BY_CURRENCY, _BY_NAME = _by_status(), _by_currency(), _by_name()
_IS_ALONE = text("select pg_try_advisory_xact_lock(hashtext('countersign.approval.tally'))")
_FOLD = text("""
    with taken as (
        delete from approval.tally_change
        where id = any(array(select id from approval.tally_change order by id limit :rows))
        returning company_id, status, kind, name, currency, count, total
    ),
    summed as (
        insert into approval.tally as known (company_id, status, kind, name, currency, count, total)
        select company_id, status, kind, name, currency, sum(count), sum(total)
        from taken group by company_id, status, kind, name, currency
        on conflict (company_id, status, kind, name, currency)
        do update set count = known.count + excluded.count, total = known.total + excluded.total
    )
    select count(*) from taken
""")
