"""Checks that keep rows readable, as the seventh change to the pipeline's tables in every service.

A time that Python's calendar does not have is read as another one, and a number that is none makes its row unreadable.
Each check is added without looking at the rows that are there, which would hold up everybody;
`migrate` looks at them afterwards, which holds up nobody.

Do not change what a check demands: existing databases were migrated with it.
"""

from collections.abc import Iterable, Sequence

from alembic import op
from sqlalchemy import text

FIRST, LAST = "0002-01-01 00:00:00+00", "9998-12-31 00:00:00+00"
"""A year from the ends of Python's calendar, so that adding days, or a time zone, leads nowhere outside of it."""

_CALENDAR = {"timestamp with time zone": (FIRST, LAST), "date": ("-infinity", "infinity")}
"""To a day nothing is added; infinite ones are read as the first and the last day of Python's calendar."""

_COLUMNS = text(
    """
    select columns.table_name, columns.column_name, columns.data_type
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema = :schema and table_type = 'BASE TABLE' and columns.data_type = any(:types)
    order by columns.table_name, columns.ordinal_position
    """
)
_KEPT = text(
    """
    select pg_class.relname, pg_constraint.conname from pg_constraint
    join pg_class on pg_class.oid = pg_constraint.conrelid
    join pg_namespace on pg_namespace.oid = pg_class.relnamespace
    where pg_namespace.nspname = :schema and pg_constraint.contype = 'c'
    """
)


def keep_times_in_calendar(schema: str) -> None:
    """Keep each time and each day in `schema` within the calendar, unless it is kept there already.

    What lies outside is moved to the nearest end, for a row that breaks a check could not be changed any more.
    """
    columns = _columns(schema, tuple(_CALENDAR))
    for table, column, kind in columns:
        _move_into_calendar(schema, table, column, kind)
    _add_checks(
        schema,
        ((table, f"{column}_in_calendar", f"not {_is_outside(column, kind)}") for table, column, kind in columns),
    )


def keep_numbers_finite(schema: str) -> None:
    """Keep each decimal in `schema` below what any amount can be, so that it is a number at all."""
    columns = _columns(schema, ("numeric",))
    _add_checks(schema, ((table, f"{column}_is_finite", f'abs("{column}") < 1e30') for table, column, _ in columns))


def keep_offsets_possible(schema: str) -> None:
    """Keep the saved offsets in `schema` from meaning anything else than a position, as negative ones do for Kafka."""
    _add_checks(schema, [("consumer_offset", "next_offset_is_possible", "next_offset >= 0")])


def keep_objects(schema: str, columns: Iterable[tuple[str, str]]) -> None:
    """Keep the text in each (table, column) of `schema` a JSON object."""
    _add_checks(
        schema,
        ((table, f"{column}_is_an_object", f"json_typeof(\"{column}\"::json) = 'object'") for table, column in columns),
    )


def _columns(schema: str, types: Sequence[str]) -> list[tuple[str, str, str]]:
    rows = op.get_bind().execute(_COLUMNS, {"schema": schema, "types": list(types)})
    return [(row[0], row[1], row[2]) for row in rows]


def _move_into_calendar(schema: str, table: str, column: str, kind: str) -> None:
    first, last = _CALENDAR[kind]
    nearest = f"case when \"{column}\" < '{FIRST}' then '{first}'::{kind} else '{last}'::{kind} end"
    op.execute(f'update {schema}."{table}" set "{column}" = {nearest} where {_is_outside(column, kind)}')  # noqa: S608 - all of it is ours


def _is_outside(column: str, kind: str) -> str:
    if kind == "date":
        return f"(\"{column}\" not between '0001-01-01' and '9999-12-31' and isfinite(\"{column}\"))"
    return f"(\"{column}\" not between '{FIRST}' and '{LAST}')"


def _add_checks(schema: str, checks: Iterable[tuple[str, str, str]]) -> None:
    """Add those of (table, name, condition) that are missing; each table is locked once, and only for a moment."""
    kept = {(row[0], row[1]) for row in op.get_bind().execute(_KEPT, {"schema": schema})}
    by_table: dict[str, list[str]] = {}
    for table, name, condition in checks:
        if (table, name) not in kept:
            by_table.setdefault(table, []).append(f'add constraint "{name}" check ({condition}) not valid')
    for table, added in by_table.items():
        op.execute(f'alter table {schema}."{table}" {", ".join(added)}')
