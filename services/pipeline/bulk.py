"""Many rows in one statement: values travel as one array per column, which PostgreSQL unnests."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert


def unnest(columns: Sequence[ColumnElement[Any]], rows: Sequence[Mapping[str, Any]], name: str = "given") -> FromClause:
    """Return `rows` as a table named `name` with the names and types of `columns`; array columns cannot be unnested."""
    arrays = [
        bindparam(f"{name}_{each.key}", [row[str(each.key)] for row in rows], type_=ARRAY(each.type), unique=True)
        for each in columns
    ]
    described = [column(str(each.key), each.type) for each in columns]
    return func.unnest(*arrays).table_valued(*described).render_derived(name=name)


def insert_rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> Insert:
    """Return an insert of `rows`, which all have the members of the first, in their order."""
    columns = [table.c[name] for name in rows[0]]
    given = unnest(columns, rows)
    return insert(table).from_select([each.name for each in columns], select(*given.c))
