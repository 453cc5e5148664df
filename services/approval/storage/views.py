"""The views of the desk: which statuses each holds, and its commitments in each order that they can be listed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache, cached_property
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Integer, Subquery, bindparam, literal, select, true, tuple_, union_all

from schemas.fields import Id, Instant, Money, Status, valid_or_none
from schemas.times import FIRST, LAST
from services.approval.storage.list_filter import Columns, ListFilter, conditions
from services.approval.storage.tables import COMMITMENT
from services.pipeline.bulk import given_texts


class DeskView(StrEnum):
    """The views of the desk."""

    READY = "ready"
    FAILED = "failed"
    EXPORTING = "exporting"
    SYNCED = "synced"
    DIFFERING = "differing"
    REJECTED = "rejected"
    ALL = "all"


STATUSES: Mapping[DeskView, tuple[Status, ...]] = {
    DeskView.READY: (Status.READY, Status.DISPUTED),
    DeskView.FAILED: (Status.FAILED,),
    DeskView.EXPORTING: (Status.EXPORTING, Status.IN_DOUBT),
    DeskView.SYNCED: (Status.SYNCED,),
    DeskView.DIFFERING: (Status.SYNCED,),
    DeskView.REJECTED: (Status.REJECTED, Status.RETRIEVED),
    DeskView.ALL: tuple(Status),
}


class Sort(StrEnum):
    """The orders of a list: by the time at which a commitment got its status, or by its total in any currency."""

    OLDEST = "oldest"
    NEWEST = "newest"
    LARGEST = "largest"
    SMALLEST = "smallest"

    @property
    def is_by_total(self) -> bool:
        """Whether totals are compared first."""
        return self in (Sort.LARGEST, Sort.SMALLEST)

    @property
    def is_descending(self) -> bool:
        """Whether the latest or largest comes first."""
        return self in (Sort.NEWEST, Sort.LARGEST)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that are compared, one after the other."""
        return ("total", "since", "id") if self.is_by_total else ("since", "id")

    @property
    def ranges(self) -> frozenset[str]:
        """The members of a filter that are a range of the order."""
        return frozenset({"min_total", "max_total"} if self.is_by_total else {"waited_days"})


DEFAULT_SORTS: Mapping[DeskView, Sort] = {
    view: Sort.NEWEST if view in (DeskView.SYNCED, DeskView.REJECTED, DeskView.ALL) else Sort.OLDEST
    for view in DeskView
}
"""What waits is listed from the oldest on, what is done from the newest on."""


class Cursor(NamedTuple):
    """A position in a list that is sorted by `sort`; as text it is part of addresses. By time, `total` is not used."""

    sort: Sort
    since: datetime
    id: str
    total: Decimal = Decimal()

    def __str__(self) -> str:
        """The text that parse_cursor reads."""
        return f"{self.sort}|{self.total}|{self.since.isoformat()}|{self.id}"


_POSITION: TypeAdapter[tuple[Sort, Money, Instant, Id]] = TypeAdapter(tuple[Sort, Money, Instant, Id])


def parse_cursor(text: str, sort: Sort) -> Cursor | None:
    """Return the cursor in a list sorted by `sort` that `text` represents; None if it represents none."""
    named, _, rest = text.partition("|")
    total, _, place = rest.partition("|")
    position = valid_or_none(_POSITION, [named, total, *place.split("|", 1)])
    if position is None or position[0] is not sort:
        return None
    _, amount, since, commitment_id = position
    return Cursor(sort, since, commitment_id, Decimal(amount))


COVERED = frozenset({"min_total", "max_total", "waited_days", "is_changed"})
"""The members of a filter whose columns each index of a list includes."""

_SHOWN = ("since", "id", "total", "currency", "revision")
_NAMES = {"projects": "project", "vendors": "vendor"}


@cache
def in_order(
    view: DeskView, sort: Sort, members: frozenset[str], *, is_continued: bool, most: int | None = None
) -> Subquery:
    """Return the first commitments of a view, or the first after a position, with the columns of COVERED.

    `members` of a filter are applied before: the ranges of `sort`, and if the order is by time also projects, vendors
    or later revisions, of which each has an index in that order. `Listed.parameters` are the parameters; `most` is a
    limit that is none of them. Each status, and each name, is read in the order of its index and only as far as
    needed, instead of all to be sorted. Statements are built once: building one takes longer than executing it.
    """
    named = next(iter(members & _NAMES.keys()), None)
    limit = bindparam("rows", type_=Integer) if most is None else literal(most)
    narrowed = [*conditions(members - _NAMES.keys()), *after(COMMITMENT.c, sort, is_continued=is_continued)]
    parts = [_part(each, sort, narrowed, named, limit) for each in in_view(view)]
    merged = union_all(*parts).subquery()
    return select(merged).order_by(*ordered(merged.c, sort)).limit(limit).subquery()


def _part(
    status: ColumnElement[bool],
    sort: Sort,
    narrowed: Sequence[ColumnElement[bool]],
    named: str | None,
    limit: ColumnElement[int],
) -> Any:
    """Return the first commitments with a status, or the first of each of the names that are a filter."""
    shown = [COMMITMENT.c[name] for name in (*_SHOWN, *(("vendor",) if named == "projects" else ()))]
    chosen = select(*shown).where(COMMITMENT.c.company_id == bindparam("company"), status, *narrowed)
    chosen = chosen.order_by(*ordered(COMMITMENT.c, sort)).limit(limit)
    if named is None:
        return select(chosen.subquery())
    names = given_texts(named, "name")
    of_name = chosen.where(COMMITMENT.c[_NAMES[named]] == names.c.name).lateral()
    return select(of_name).select_from(names.join(of_name, true()))


def is_covered(in_index: frozenset[str], beside: frozenset[str]) -> bool:
    """Whether an index that `in_order` reads for `in_index` includes the columns of all other members of a filter."""
    return beside <= (COVERED | {"vendors"} if "projects" in in_index else COVERED)


def ordered(columns: Columns, sort: Sort) -> Sequence[ColumnElement[Any]]:
    """Return what to order by."""
    return [columns[key].desc() if sort.is_descending else columns[key] for key in sort.keys]


def after(columns: Columns, sort: Sort, *, is_continued: bool) -> Sequence[ColumnElement[bool]]:
    """Return the conditions for what comes after a position; none if the list is not continued.

    A time outside the calendar is read as another one, so a list that went on after it would never end.
    """
    if not is_continued:
        return []
    keys = tuple_(*(columns[key] for key in sort.keys))
    given = tuple_(*(bindparam(f"after_{key}", type_=COMMITMENT.c[key].type) for key in sort.keys))
    return [keys < given if sort.is_descending else keys > given, columns.since.between(FIRST, LAST)]


def in_view(view: DeskView, columns: Columns = COMMITMENT.c) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of which each commitment of `view` fulfils one; each is a range of an index."""
    if view is DeskView.DIFFERING:
        return [columns.differs]
    return [columns.status == each.value for each in STATUSES[view]]


@dataclass(frozen=True)
class Listed:
    """A filtered list of a company's commitments; the filter's days are counted until `now`."""

    company_id: str
    view: DeskView
    only: ListFilter
    sort: Sort
    now: datetime

    @cached_property
    def in_index(self) -> frozenset[str]:
        """The members of the filter that the index of the order includes."""
        given = self.only.given
        if self.sort.is_by_total:
            return given & self.sort.ranges
        one_more = [each for each in (*_NAMES, "is_changed") if each in given][:1]
        return (given & self.sort.ranges) | frozenset(one_more)

    @property
    def beside_index(self) -> frozenset[str]:
        """The other members of the filter."""
        return self.only.given - self.in_index

    @property
    def is_named(self) -> bool:
        """Whether it is of some projects or vendors only."""
        return bool(self.only.given & _NAMES.keys())

    @property
    def is_covered(self) -> bool:
        """Whether the index of the order has all that the filter asks for."""
        return is_covered(self.in_index, self.beside_index)

    def parameters(self, cursor: Cursor | None, rows: int) -> dict[str, Any]:
        """Return the parameters of its statements: `rows` commitments after a position."""
        position = {} if cursor is None else {f"after_{key}": getattr(cursor, key) for key in self.sort.keys}
        return {"company": self.company_id, "rows": rows} | position | self.only.parameters(self.now)

    def cursor(self, row: Any) -> Cursor:
        """Return the position of a row with the keys of `sort`."""
        return Cursor(self.sort, row.since, row.id, *((row.total,) if self.sort.is_by_total else ()))
