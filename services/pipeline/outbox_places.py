"""Keeps the place that an event has among those of its key while it moves between the outbox and the parked ones."""

from typing import Any

from sqlalchemy import CTE, ColumnElement, Table, case, exists, func, select


def placed(moved: CTE, out_of: Table, into: Table) -> list[ColumnElement[Any]]:
    """Return the columns of the rows `moved`, with the ids under which they can be inserted.

    Ids are the order, so rows keep theirs. Where another row of `into` has one already, as in a database whose sequence
    has fallen behind, all rows of that key come before everything else, in their order: whatever else waits for the
    key came later.
    """
    same = moved.alias("same")
    is_given = exists().where(into.c.id == same.c.id, same.c.topic == moved.c.topic, same.c.key == moved.c.key)
    lowest = func.least(*(select(func.min(table.c.id)).scalar_subquery() for table in (out_of, into)))
    before_all = lowest - func.row_number().over(order_by=moved.c.id.desc())
    place = case((is_given, before_all), else_=moved.c.id).label("id")
    return [place if each.name == "id" else each for each in moved.c]
