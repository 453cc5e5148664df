"""The views of the desk: which statuses each holds, and its commitments in their order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Subquery, bindparam, select, tuple_, union_all
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from schemas.fields import Status
from services.approval.storage.tables import COMMITMENT

Position = tuple[datetime, str]
"""`since` and id of a commitment in a list, which is sorted by them."""


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
    DeskView.REJECTED: (Status.REJECTED,),
    DeskView.ALL: tuple(Status),
}


@cache
def in_order(view: DeskView, *, is_continued: bool) -> Subquery:
    """Return the first commitments of a view, or the first after a position, oldest first; `place` is its parameters.

    Each status is read in the order of its index and only as far as needed, instead of all to be sorted. Statements are
    built once, since building one takes longer than executing it.
    """
    table, limit = COMMITMENT, bindparam("rows", type_=Integer)
    wanted = conditions(view)
    given = tuple_(bindparam("since", type_=table.c.since.type), bindparam("id", type_=table.c.id.type))
    position = (tuple_(table.c.since, table.c.id) > given,) if is_continued else ()
    parts = [
        select(table.c.id, table.c.since, table.c.state, table.c.searchable)
        .where(table.c.company_id == bindparam("company"), each, *position)
        .order_by(table.c.since, table.c.id)
        .limit(limit)
        for each in wanted
    ]
    merged = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return select(merged).order_by(merged.c.since, merged.c.id).limit(limit).subquery()


def conditions(
    view: DeskView, columns: ReadOnlyColumnCollection[str, Any] = COMMITMENT.c
) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of which each commitment of `view` fulfils one; each has an index of the table."""
    match view:
        case DeskView.ALL:
            return [columns.status.is_not(None)]
        case DeskView.DIFFERING:
            return [columns.differs]
        case _:
            return [columns.status == each.value for each in STATUSES[view]]


def place(company_id: str, after: Position | None, rows: int) -> dict[str, Any]:
    """Return the parameters of `in_order`: `rows` commitments of a company, after a position."""
    position = {} if after is None else {"since": after[0], "id": after[1]}
    return {"company": company_id, "rows": rows} | position
