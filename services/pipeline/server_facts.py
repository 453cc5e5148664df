"""What a PostgreSQL says about itself, for the check-up: version, clock, connections, settings, kept WAL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from services.pipeline.database import Transaction

_FACTS = text("""
    select current_setting('server_version_num')::int as version, current_setting('server_version') as version_text,
        clock_timestamp() as now, current_setting('max_connections')::int as max_connections,
        current_setting('superuser_reserved_connections')::int as reserved,
        pg_database_size(current_database()) as database_bytes,
        (select max(age(datfrozenxid)) from pg_database) as oldest_transaction_age
""")
_CONNECTIONS = text("""
    select coalesce(application_name, '') as name, count(*) as connections from pg_stat_activity
    where datid is not null and usesysid is not null group by 1
""")
_SETTINGS = text(
    "select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')"
)
_SLOTS = text("""
    select slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint as kept_bytes
    from pg_replication_slots where not active and restart_lsn is not null and not pg_is_in_recovery()
""")


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server as it is now. `connections` are by application; `slots` are idle ones, with the WAL bytes they keep."""

    version: int
    version_text: str
    now: datetime
    max_connections: int
    reserved: int
    database_bytes: int
    oldest_transaction_age: int
    connections: Mapping[str, int]
    settings: Mapping[str, str]
    slots: Mapping[str, int]


async def server_facts(db: Transaction) -> ServerFacts:
    """Return what the server of `db` says; any role may ask, and sees that others are connected but not as what."""
    facts = (await db.execute(_FACTS)).one()
    connections = {row.name: row.connections for row in await db.execute(_CONNECTIONS)}
    settings = {row.name: row.setting for row in await db.execute(_SETTINGS)}
    slots = {row.slot_name: row.kept_bytes for row in await db.execute(_SLOTS)}
    return ServerFacts(**facts._mapping, connections=connections, settings=settings, slots=slots)  # noqa: SLF001 - public
