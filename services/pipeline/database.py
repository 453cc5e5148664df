"""The service's PostgreSQL: one pool, transactions, and an honest answer to whether it can be reached."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.pipeline.errors import SettingsError

Transaction = AsyncConnection
"""An open transaction, which everything that reads or writes rows is given."""

STATEMENT_TIMEOUT_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 5
DATABASE_ERRORS = (SQLAlchemyError, OSError, TimeoutError)
"""What a transaction raises when the database fails or is away; its work did not happen, or is not known to have."""

_PASSING_CLASSES = ("08", "40", "53", "57")
"""SQLSTATE classes of a database that is away, shuts down, has no room, or ended a transaction for another's sake."""


class Database:
    """A pool of connections to one service's database."""

    def __init__(self, url: SecretStr, *, application_name: str, pool_size: int = 20) -> None:
        self.engine: AsyncEngine = create_async_engine(
            _engine_url(url),
            # parameters are people's names, addresses and payloads, and errors are logged
            hide_parameters=True,
            pool_size=pool_size,
            max_overflow=0,  # connections beyond the pool would be opened and closed for every burst
            pool_pre_ping=False,
            connect_args={
                "timeout": CONNECT_TIMEOUT_SECONDS,
                "command_timeout": STATEMENT_TIMEOUT_SECONDS,
                "server_settings": {"application_name": application_name, "jit": "off"},
            },
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Open a transaction that commits when the block ends and rolls back when it raises."""
        async with self.engine.begin() as db:
            yield db

    async def is_reachable(self) -> bool:
        """Whether a trivial statement succeeds now."""
        try:
            async with self.engine.connect() as db:
                await db.execute(text("select 1"))
        except DATABASE_ERRORS:
            return False
        return True

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def is_unavailable(error: Exception) -> bool:
    """Whether `error`, one of DATABASE_ERRORS, passes by itself; otherwise it is a defect of ours."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return error.connection_invalidated or (isinstance(state, str) and state[:2] in _PASSING_CLASSES)
    return isinstance(error, PoolTimeoutError | OSError | TimeoutError)


def _engine_url(url: SecretStr) -> URL:
    try:
        return make_url(url.get_secret_value()).set(drivername="postgresql+asyncpg")
    except (ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URL is no address such as postgresql://user:password@host:5432/database. "
            "A special character in the password must be percent-encoded."
        ) from None
