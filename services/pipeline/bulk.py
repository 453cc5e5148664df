"""Writes many rows in one statement: values are sent as one array per column, which PostgreSQL unnests.

Statements are built once per table and set of columns; for a single event, building one took longer than executing it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, Text, Update, bindparam, column, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert

from services.pipeline.database import Transaction

Rows = Sequence[Mapping[str, Any]]


def given_rows(columns: Sequence[ColumnElement[Any]], name: str = "given") -> FromClause:
    """Return a table named `name` whose rows are parameters of the statement, made by `arrays`."""
    placeholders = [bindparam(f"{name}_{each.key}", type_=ARRAY(each.type)) for each in columns]
    described = [column(str(each.key), each.type) for each in columns]
    return func.unnest(*placeholders).table_valued(*described).render_derived(name=name)


def given_texts(parameter: str, name: str) -> FromClause:
    """Return a table whose one column `name` has the texts of the array `parameter`."""
    texts = func.unnest(bindparam(parameter, type_=ARRAY(Text)))
    return texts.table_valued(name).render_derived(name=parameter)


def arrays(rows: Rows, name: str = "given") -> dict[str, list[Any]]:
    """Return `rows`, which all have the same members, as the parameters of `given_rows`."""
    return {f"{name}_{member}": [row[member] for row in rows] for member in rows[0]}


async def insert_many(db: Transaction, table: Table, rows: Rows) -> None:
    """Insert those of `rows` whose key does not exist yet. Works for all column types except arrays."""
    if rows:
        await db.execute(insert_unless_known(table, tuple(rows[0])), arrays(rows))


@cache
def insert_given(table: Table, names: tuple[str, ...], name: str = "given") -> Insert:
    """Return an insert of rows with the columns `names`, whose parameters `arrays` makes for `name`."""
    given = given_rows([table.c[each] for each in names], name)
    return insert(table).from_select(list(names), select(*given.c))


@cache
def insert_unless_known(table: Table, names: tuple[str, ...], name: str = "given") -> Insert:
    """Return an insert as `insert_given` does, which leaves out rows whose key exists."""
    return insert_given(table, names, name).on_conflict_do_nothing()


@cache
def update_given(table: Table, names: tuple[str, ...], key: str, name: str = "given") -> Update:
    """Return an update of the rows with the same `key` to the other columns of `names`."""
    given = given_rows([table.c[each] for each in names], name)
    values = {each: given.c[each] for each in names if each != key}
    return update(table).values(values).where(table.c[key] == given.c[key])
