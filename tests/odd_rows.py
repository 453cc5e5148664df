"""Rows as no release of ours writes them: each column of each table in turn, beside sound rows of the same table.

A row is a copy of one that is there, under ids of its own, with one odd value. Where a table is empty, it is made up.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import MetaData, Table, text

from services.pipeline.database import Database, Transaction

_DEEP = "[" * 2000 + "]" * 2000
_TIMES = ("infinity", "-infinity", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59+00", "200000-01-01", "0044-03-15 BC")
ODD_VALUES: dict[str, Sequence[str]] = {
    "timestamptz": tuple(f"'{time}'::timestamptz" for time in _TIMES),
    "date": ("'infinity'::date", "'200000-01-01'::date", "'0044-03-15 BC'::date"),
    "text": ("''", "'{'", "'{}'", "'[1]'", "'null'", "'5'", "'odd'", f"'{_DEEP}'", "E'\\u202e'", "repeat('x', 5000)"),
    "jsonb": ("'null'", "'{}'", "'[]'", "'[1]'", "'5'", "'\"x\"'", "'{\"x\": 1}'", f"'{_DEEP}'"),
    "int4": ("-1", "2147483647"),
    "int8": ("-1", "9223372036854775807"),
    "numeric": ("'NaN'", "'-Infinity'", "-1e40"),
    "bytea": ("''::bytea", "'\\x00ff'::bytea"),
    "bool": ("true", "false"),
    "_text": ("'{}'", "array[null]"),
    "_bytea": ("'{}'",),
    "uuid": ("'00000000-0000-0000-0000-000000000000'",),
}
"""By PostgreSQL's name of a type, in SQL."""
_PLAIN = {
    "timestamptz": "now()",
    "date": "current_date",
    "text": "'plain'",
    "jsonb": "'{}'",
    "int4": "1",
    "int8": "1",
    "numeric": "1",
    "bytea": "'\\x00'",
    "bool": "true",
    "_text": "'{}'",
    "_bytea": "'{}'",
    "uuid": "gen_random_uuid()",
}
_OF_KEY = {
    "text": "'{name}'",
    "uuid": "gen_random_uuid()",
    "int4": "{number}",
    "int8": "9{number:012}",
    "bytea": "'{name}'",
}
_TYPES = text(
    "select column_name, udt_name from information_schema.columns where table_schema = :s and table_name = :t"
)
_TRY = """
create or replace function countersign_try(statements text[]) returns int language plpgsql as $$
declare each text; done int := 0; begin
  foreach each in array statements loop
    begin execute each; done := done + 1; exception when others then null; end;
  end loop;
  return done;
end $$
"""
"""Carries out what the database takes, at once: each in a transaction of its own would take minutes."""
PREFIX = "odd-"


async def add_odd_rows(database: Database, metadata: MetaData) -> int:
    """Add every odd row that the database takes to all tables in `metadata`; return how many."""
    added = 0
    async with database.begin() as db:
        await db.exec_driver_sql(_TRY)
    for table in metadata.sorted_tables:
        async with database.begin() as db:
            kinds = await db.execute(_TYPES, {"s": table.schema, "t": table.name})
            types: dict[str, str] = dict(tuple(row) for row in kinds)
            sample, statements = await _sample(db, table, types), []
            for number, (column, value) in enumerate(_oddities(types), 1):
                ids = _ids(table, types, f"{PREFIX}{table.name}-{number}", number)
                statements += [*_parents(table, ids), _insert(table.fullname, sample | ids | {column: value})]
            added += int(await db.scalar(text("select countersign_try(:all)"), {"all": statements}) or 0)
    return added


def _oddities(types: dict[str, str]) -> Iterator[tuple[str, str]]:
    for column, kind in types.items():
        for value in ODD_VALUES[kind]:
            yield column, value


async def _sample(db: Transaction, table: Table, types: dict[str, str]) -> dict[str, str]:
    """Return each column of a sound row as SQL."""
    there = (await db.execute(text(f"select ctid from {table.fullname} limit 1"))).scalar()  # noqa: S608
    if there is None:
        return {name: _PLAIN[kind] for name, kind in types.items()}
    row = f"(select {{}} from {table.fullname} where ctid = '{there[0], there[1]}')"  # noqa: S608 - a test's own tables
    due = {"due_at": "now()"} if "due_at" in types else {}
    return {name: row.format(f'"{name}"') for name in types} | due


def _ids(table: Table, types: dict[str, str], name: str, number: int) -> dict[str, str]:
    """Return a key of its own."""
    made = {each.name: _OF_KEY.get(types[each.name], "").format(name=name, number=number) for each in table.primary_key}
    return {column: value for column, value in made.items() if value}


def _parents(table: Table, ids: dict[str, str]) -> list[str]:
    """Return what inserts the rows that a row with these ids belongs to."""
    keys = [(each.parent.name, each.column.table.fullname) for each in table.foreign_keys if each.parent.name in ids]
    return [_insert(parent, {"id": ids[column]}) for column, parent in keys]


def _insert(table: str, row: dict[str, str]) -> str:
    names = ", ".join(f'"{name}"' for name in row)
    return f"insert into {table} ({names}) overriding system value values ({', '.join(row.values())})"  # noqa: S608
