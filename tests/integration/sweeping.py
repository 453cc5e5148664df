"""Runs a rule of a service's retention to its end, and shows how PostgreSQL finds the rows."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import event

from services.pipeline.database import Database, Transaction
from services.pipeline.retention import Sweep


async def sweep_all(database: Database, sweep: Sweep, before: datetime) -> int:
    """Take steps until nothing is left; return how many rows went."""
    rows, after = 0, ""
    while True:
        async with database.begin() as db:
            swept = await sweep(db, after, before)
        rows += swept.rows
        if swept.next_after is None:
            return rows
        after = swept.next_after


async def plans(database: Database, sweep: Sweep, before: datetime, after: str = "") -> list[str]:
    """Return the plans of the statements of one step, which is not committed."""
    async with database.engine.connect() as db:
        with _recorded(database) as statements:
            swept = await sweep(db, after, before)
            assert swept.rows > 0
        await db.rollback()
        return [await _plan(db, *each) for each in statements]


async def recorded_plans(database: Database, read: Callable[[Transaction], Awaitable[object]]) -> list[str]:
    """Return the plans of the statements that `read` executes."""
    async with database.engine.connect() as db:
        with _recorded(database) as statements:
            await read(db)
        return [await _plan(db, *each) for each in statements]


async def plans_of(database: Database, act: Callable[[], Awaitable[object]]) -> list[str]:
    """Return the plans of the statements that `act` executes in transactions of its own."""
    with _recorded(database) as statements:
        await act()
    async with database.engine.connect() as db:
        return [await _plan(db, *each) for each in statements]


async def _plan(db: Any, statement: str, parameters: Any) -> str:
    lines = await db.exec_driver_sql(f"explain {statement}", parameters)
    return "\n".join(line[0] for line in lines)


@contextmanager
def _recorded(database: Database) -> Iterator[list[tuple[str, Any]]]:
    statements: list[tuple[str, Any]] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        statements.append((statement, parameters))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", record)
