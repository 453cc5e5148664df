"""Stores the vendors, items and jobs that a polled ERP has, as it was last read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, DateTime, Text, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from services.exporter.connectors.pull import ListEntry
from services.exporter.storage.tables import REFERENCE
from services.pipeline.database import Transaction


@dataclass(frozen=True, slots=True)
class ChangedEntry:
    """An entry of a list that is new, has changed, or is gone; a higher version is later."""

    list_name: str
    id: str
    name: str
    is_active: bool
    version: int
    is_gone: bool = False


async def keep(
    db: Transaction, connection: str, list_name: str, entries: Sequence[ListEntry], read_at: datetime
) -> list[ChangedEntry]:
    """Store these entries as seen at `read_at`, when reading the list began; return those that are new or different."""
    by_id = {each.id: each for each in entries}
    parameters = {
        "connection": connection,
        "list": list_name,
        "ids": list(by_id),
        "names": [each.name for each in by_id.values()],
        "active": [each.is_active for each in by_id.values()],
        "at": read_at,
        "version": _version(read_at),
    }
    if not by_id:
        return []
    return [_entry(list_name, row) for row in await db.execute(_KEEP, parameters)]


async def drop_unseen(db: Transaction, connection: str, list_name: str, read_at: datetime) -> list[ChangedEntry]:
    """Note that entries which the list no longer has are gone; return them."""
    parameters = {"connection": connection, "list": list_name, "at": read_at, "version": _version(read_at)}
    return [_entry(list_name, row) for row in await db.execute(_DROP_UNSEEN, parameters)]


async def count(db: Transaction, connection: str, list_name: str) -> int:
    """Return how many entries a list has."""
    table = REFERENCE.c
    chosen = select(func.count()).where(table.connection == connection, table.list == list_name, ~table.is_gone)
    return await db.scalar(chosen) or 0


def _version(read_at: datetime) -> int:
    return int(read_at.timestamp() * 1000)


def _entry(list_name: str, row: Any) -> ChangedEntry:
    return ChangedEntry(list_name, row.id, row.name, row.is_active, row.version, row.is_gone)


# a second statement would not know which rows were the same before
_KEEP = text(
    """
    with given as (
        select * from unnest(:ids, :names, :active) as given (id, name, is_active)
    ),
    changed as (
        select given.id from given
        left join exporter.reference known
            on known.connection = :connection and known.list = :list and known.id = given.id
        where known.id is null or known.is_gone or known.name <> given.name or known.is_active <> given.is_active
    ),
    kept as (
        insert into exporter.reference (connection, list, id, name, is_active, version, seen_at)
        select :connection, :list, id, name, is_active, :version, :at from given order by id
        on conflict (connection, list, id) do update set name = excluded.name, is_active = excluded.is_active,
            seen_at = greatest(reference.seen_at, excluded.seen_at), is_gone = false,
            version = greatest(reference.version + 1, excluded.version)
        returning id, name, is_active, version, is_gone
    )
    select kept.* from kept join changed on changed.id = kept.id
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Text)),
    bindparam("names", type_=ARRAY(Text)),
    bindparam("active", type_=ARRAY(Boolean)),
    bindparam("connection", type_=Text),
    bindparam("list", type_=Text),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("version", type_=BigInteger),
)
_DROP_UNSEEN = text(
    """
    update exporter.reference set is_gone = true, version = greatest(version + 1, :version)
    where connection = :connection and list = :list and not is_gone and seen_at < :at
    returning id, name, is_active, version, is_gone
    """
).bindparams(
    bindparam("connection", type_=Text),
    bindparam("list", type_=Text),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("version", type_=BigInteger),
)
