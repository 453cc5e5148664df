"""A service's PostgreSQL: its connection pool, transactions, and what the errors of the database mean."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr
from sqlalchemy import event, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.pipeline.errors import SettingsError, StaleBatchError
from services.pipeline.shared_clock import SharedClock
from services.pipeline.stored_values import read_in_calendar, read_json

Transaction = AsyncConnection
"""An open transaction; everything that reads or writes rows takes it as an argument."""

STATEMENT_TIMEOUT_SECONDS = 30
LOCK_TIMEOUT_SECONDS = 3
IDLE_TRANSACTION_SECONDS = 20
"""After this time the server ends a transaction whose process is frozen or unreachable, and so frees its locks."""
CONNECT_TIMEOUT_SECONDS = 5
POOL_SIZE = 20
DATABASE_ERRORS = (SQLAlchemyError, OSError, TimeoutError)
"""What a failed transaction raises; if the commit itself failed, whether it took effect is unknown."""

_SERVER_TIMEOUTS = {
    "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
    # a host that lost its power sends nothing more, not even the end of its connections
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
}
_STATE = text("select clock_timestamp(), current_setting('transaction_read_only')::bool")
_LOCK_NOT_AVAILABLE = "55P03"
_INSUFFICIENT_PRIVILEGE = "42501"
_READ_ONLY = "25006"
_UNAVAILABLE_CLASSES = ("08", "40", "53", "57")
"""SQLSTATE classes: connection lost, transaction rolled back for another one, out of resources, shutting down."""
_DATA_CLASSES = ("22", "23", "54")
"""SQLSTATE classes: values that fit no type, break a constraint or exceed a limit."""


class Database:
    """A pool of connections to one service's database."""

    def __init__(
        self,
        url: SecretStr,
        *,
        application_name: str,
        pool_size: int = POOL_SIZE,
        statement_timeout_seconds: float | None = STATEMENT_TIMEOUT_SECONDS,
    ) -> None:
        self.engine: AsyncEngine = create_async_engine(
            _engine_url(url),
            # errors are logged, and parameters hold names, addresses and payloads
            hide_parameters=True,
            json_deserializer=read_json,
            pool_size=pool_size,
            max_overflow=0,  # overflow connections would be opened and closed in every burst
            pool_pre_ping=False,
            connect_args={
                "timeout": CONNECT_TIMEOUT_SECONDS,
                "command_timeout": statement_timeout_seconds,
                "server_settings": {"application_name": application_name, "jit": "off"} | _SERVER_TIMEOUTS,
            },
        )
        event.listen(self.engine.sync_engine, "connect", read_in_calendar)
        event.listen(self.engine.sync_engine, "handle_error", _give_up_read_only)
        self.clock = SharedClock()
        self._autocommit_engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Open a transaction, which is committed when the block ends and rolled back when it raises."""
        async with self.engine.begin() as db:
            if not self.clock.is_set:
                await self._read_state(db)
            yield db

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[Transaction]:
        """Open a connection on which each statement is a transaction of its own, without BEGIN and COMMIT."""
        async with self._autocommit_engine.connect() as db:
            yield db

    async def is_reachable(self) -> bool:
        """Whether the database answers now, and would take a change; sets the clock by its answer."""
        try:
            async with self.autocommit() as db:
                is_read_only = await self._read_state(db)
                if is_read_only:
                    await db.invalidate()
        except DATABASE_ERRORS:
            return False
        return not is_read_only

    async def _read_state(self, db: Transaction) -> bool:
        """Set the clock, and return whether nothing can be changed on the connection."""
        now, is_read_only = (await db.execute(_STATE)).one()
        self.clock.set(now)
        return bool(is_read_only)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def is_unavailable(error: Exception) -> bool:
    """Whether `error`, one of DATABASE_ERRORS, goes away without a change on our side; otherwise it is our defect."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _sqlstate(error)[:2] in _UNAVAILABLE_CLASSES
    return isinstance(error, PoolTimeoutError | OSError | TimeoutError)


def is_data_error(error: Exception) -> bool:
    """Whether the database refuses the values of a statement, which retrying cannot fix."""
    return _sqlstate(error)[:2] in _DATA_CLASSES


def is_lock_timeout(error: Exception) -> bool:
    """Whether a statement waited LOCK_TIMEOUT_SECONDS for a row that another transaction holds."""
    return _sqlstate(error) == _LOCK_NOT_AVAILABLE


def is_not_permitted(error: Exception) -> bool:
    """Whether the role of the connection lacks a right."""
    return _sqlstate(error) == _INSUFFICIENT_PRIVILEGE


def may_succeed_later(error: Exception) -> bool:
    """Whether the same transaction may succeed later: the database is unavailable or not migrated yet, a row locked."""
    if isinstance(error, StaleBatchError):
        return True
    return is_unavailable(error) or (_sqlstate(error) != "" and not is_data_error(error))


def _give_up_read_only(context: ExceptionContext) -> None:
    """Count a server that takes no changes as lost, with all connections to it: another one may have its place by now.

    After a fail-over the old server goes on answering, and a connection that only stayed open would stay there.
    """
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def _sqlstate(error: Exception) -> str:
    """Return the five-character code of the database's answer, an empty string where it gave none."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return state if isinstance(state, str) else ""


def _engine_url(url: SecretStr) -> URL:
    try:
        return make_url(url.get_secret_value()).set(drivername="postgresql+asyncpg")
    except (ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URL is no address such as postgresql://user:password@host:5432/database. "
            "A special character in the password must be percent-encoded."
        ) from None
