"""Keeps one row that cannot be read from blocking the others: rows are then leased one by one, and it is set aside."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import structlog

from services.pipeline.database import Database, Transaction, may_succeed_later
from services.pipeline.logs import FailureLog

KeyT = TypeVar("KeyT")
JobT = TypeVar("JobT")
log = structlog.get_logger()


async def lease_due(
    database: Database,
    failures: FailureLog,
    *,
    together: Callable[[Transaction], Awaitable[list[JobT]]],
    due_keys: Callable[[Transaction], Awaitable[Iterable[KeyT]]],
    alone: Callable[[Transaction, KeyT], Awaitable[Iterable[JobT]]],
    set_aside: Callable[[Transaction, KeyT, str], Awaitable[None]],
) -> list[JobT]:
    """Lease all that is due in one transaction; if a row does not allow that, each in a transaction of its own."""
    try:
        async with database.begin() as db:
            return await together(db)
    except Exception as error:
        if may_succeed_later(error):
            raise
        failures.defect("worker.claim_split", error)
    async with database.autocommit() as db:
        keys = await due_keys(db)
    return await _lease_one_by_one(database, keys, alone, set_aside)


async def _lease_one_by_one(
    database: Database,
    keys: Iterable[KeyT],
    lease: Callable[[Transaction, KeyT], Awaitable[Iterable[JobT]]],
    set_aside: Callable[[Transaction, KeyT, str], Awaitable[None]],
) -> list[JobT]:
    """Lease each of `keys` in a transaction of its own, and set aside those for which that is impossible.

    If the database becomes unavailable meanwhile, return what is leased by then: it has to be carried out.
    """
    jobs: list[JobT] = []
    try:
        for key in keys:
            jobs += await _lease_or_set_aside(database, key, lease, set_aside)
    except Exception:
        if not jobs:
            raise
    return jobs


async def _lease_or_set_aside(
    database: Database,
    key: KeyT,
    lease: Callable[[Transaction, KeyT], Awaitable[Iterable[JobT]]],
    set_aside: Callable[[Transaction, KeyT, str], Awaitable[None]],
) -> Iterable[JobT]:
    try:
        async with database.begin() as db:
            return await lease(db, key)
    except Exception as error:
        if may_succeed_later(error):
            raise
        async with database.begin() as db:
            await set_aside(db, key, f"It cannot be read ({type(error).__name__}).")
        log.error("worker.row_set_aside", key=str(key), cause=type(error).__name__)  # noqa: TRY400 - one traceback is logged
        return ()
