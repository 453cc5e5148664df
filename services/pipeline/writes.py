"""Collects the multi-row writes of a transaction and executes them together: one round trip instead of one for each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain, islice
from typing import Any

from sqlalchemy import CTE, ColumnElement, Table, Update, func, literal, select
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from services.pipeline.apart import apart
from services.pipeline.bulk import Rows, arrays, insert_unless_known, update_given
from services.pipeline.database import Transaction

Results = Callable[[CTE], Sequence[ColumnElement[Any]]]
"""Makes of a statement's RETURNING, as a CTE, the columns that are read back."""


def count(written: CTE) -> Sequence[ColumnElement[Any]]:
    """Read back how many rows were written."""
    return (select(func.count()).select_from(written).scalar_subquery(),)


@dataclass(frozen=True, slots=True)
class Write:
    """A statement on rows that `given_rows(…, name)` passes; `name` is unique in the transaction.

    Statements are compared by identity, so they are built once.
    """

    name: str
    statement: Insert | Update
    returning: tuple[ColumnElement[Any], ...] = (literal(1),)
    results: Results = count


@dataclass(slots=True)
class _Pending:
    write: Write
    rows: Rows
    otherwise: Exception | None
    read_back: list[Any] = field(default_factory=list)


class Writes:
    """The writes of one transaction, in the order in which they lock rows."""

    def __init__(self) -> None:
        self._pending: list[_Pending] = []

    def insert(self, table: Table, rows: Rows) -> None:
        """Insert those of `rows` whose key does not exist yet."""
        if rows:
            self.add(_insertion(table, tuple(rows[0])), rows)

    def update(self, table: Table, rows: Rows, key: str = "id") -> None:
        """Update the rows with the same `key` to the other members of `rows`."""
        if rows:
            self.add(_change(table, tuple(rows[0]), key), rows)

    def add(self, write: Write, rows: Rows, *, otherwise: Exception | None = None) -> list[Any]:
        """Apply `write` to `rows`; `otherwise` is raised if it does not write as many rows.

        Returns the list that `execute` fills with what is read back. A write that is added again gets more rows.
        """
        for known in self._pending:
            if known.write is write:
                known.rows = [*known.rows, *rows]
                known.otherwise = known.otherwise or otherwise
                return known.read_back
        pending = _Pending(write, rows, otherwise)
        self._pending.append(pending)
        return pending.read_back

    async def execute(self, db: Transaction) -> None:
        """Execute all writes that were added since the last call."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        together = await _together(tuple(each.write for each in pending))
        given = dict(together.constants)
        for each in pending:
            given.update(arrays(each.rows, each.write.name))
        # the statement is large, and SQLAlchemy would look through all of it at each execution
        answer = await db.exec_driver_sql(together.sql, tuple(given[name] for name in together.names))
        read_back = iter(answer.one())
        for each, width in zip(pending, together.widths, strict=True):
            each.read_back.extend(islice(read_back, width))
        for each in pending:
            if each.otherwise and each.read_back != [len(each.rows)]:
                raise each.otherwise


@cache
def _insertion(table: Table, names: tuple[str, ...]) -> Write:
    name = f"new_{table.name}"
    return Write(name, insert_unless_known(table, names, name))


@cache
def _change(table: Table, names: tuple[str, ...], key: str) -> Write:
    name = f"changed_{table.name}"
    return Write(name, update_given(table, names, key, name))


@dataclass(frozen=True, slots=True)
class _Together:
    """One statement for several writes, with its parameters, and how many columns each write returns."""

    sql: str
    names: tuple[str, ...]
    constants: dict[str, Any]
    widths: tuple[int, ...]


_KNOWN: dict[tuple[Write, ...], _Together] = {}


async def _together(writes: tuple[Write, ...]) -> _Together:
    """Return one statement that executes `writes` in their order; a new one takes a tenth of a second to make."""
    known = _KNOWN.get(writes)
    if known is None:
        known = _KNOWN[writes] = await apart(partial(_made, writes))
    return known


def _made(writes: tuple[Write, ...]) -> _Together:
    results = [each.results(each.statement.returning(*each.returning).cte(f"written_{each.name}")) for each in writes]
    compiled = select(*chain(*results)).compile(dialect=dialect())  # type: ignore[no-untyped-call]
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return _Together(str(compiled), tuple(compiled.positiontup or ()), constants, tuple(map(len, results)))
