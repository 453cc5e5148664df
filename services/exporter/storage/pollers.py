"""Stores what is known of the clients of polled ERPs: when they last asked, and which lists they have read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Row, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from services.exporter.storage.tables import POLLER
from services.pipeline.database import Transaction
from services.pipeline.unreadable import read_or_none

COLUMNS = (
    POLLER.c.connection.label("polled"),
    *(POLLER.c[name] for name in ("last_asked", "trouble", "company_file", "lists_read")),
)


@dataclass(frozen=True, slots=True)
class ReadList:
    """When a list was last read to its end, and how many entries it had."""

    at: datetime
    entries: int


@dataclass(frozen=True, slots=True)
class Poller:
    """What is known of the client of a polled ERP; nothing of the client of one that never asked."""

    last_asked: datetime | None = None
    trouble: str | None = None
    company_file: str | None = None
    lists_read: Mapping[str, ReadList] = field(default_factory=dict)


async def poller(db: Transaction, name: str) -> Poller:
    """Return what is known of the client of a connection."""
    row = (await db.execute(select(*COLUMNS).where(POLLER.c.connection == name))).one_or_none()
    return poller_of(row) if row else Poller()


async def note(db: Transaction, name: str, **known: Any) -> None:
    """Store what is newly known of the client of a connection: members of Poller."""
    adding = insert(POLLER).values({"connection": name, **known})
    await db.execute(adding.on_conflict_do_update(index_elements=["connection"], set_=known))


async def end_trouble(db: Transaction, name: str, trouble: str) -> None:
    """Forget this trouble of the client of a connection, but no other one."""
    ended = update(POLLER).where(POLLER.c.connection == name, POLLER.c.trouble == trouble)
    await db.execute(ended.values(trouble=None))


async def register_renamed(db: Transaction, name: str, formerly: Sequence[str]) -> None:
    """Store of the connection `name` what is known under a former name, unless its client has already asked.

    Its lists are read anew, for they are kept under the name that it had.
    """
    known = [POLLER.c[each] for each in ("last_asked", "trouble", "company_file")]
    former = select(literal(name), *known).where(POLLER.c.connection == func.any(list(formerly)))
    newest = former.order_by(POLLER.c.last_asked.desc().nulls_last(), POLLER.c.connection).limit(1)
    columns = ("connection", *(each.name for each in known))
    await db.execute(insert(POLLER).from_select(columns, newest).on_conflict_do_nothing())


async def note_list_read(db: Transaction, name: str, list_name: str, read: ReadList) -> None:
    """Store that a list was read to its end."""
    told = {list_name: [read.at.isoformat(), read.entries]}
    adding = insert(POLLER).values({"connection": name, "lists_read": told})
    others = func.coalesce(POLLER.c.lists_read, literal({}, POLLER.c.lists_read.type))
    both = others.op("||")(adding.excluded.lists_read)
    await db.execute(adding.on_conflict_do_update(index_elements=["connection"], set_={"lists_read": both}))


def poller_of(row: Row[Any]) -> Poller:
    """Return what is known of a client, from a row with COLUMNS; lists that cannot be made out are read anew."""
    read = read_or_none(POLLER, row.polled, partial(_lists_read, row.lists_read or {})) or {}
    return Poller(row.last_asked, row.trouble, row.company_file, read)


def _lists_read(stored: Mapping[str, Any]) -> Mapping[str, ReadList]:
    return {name: ReadList(datetime.fromisoformat(at), int(count)) for name, (at, count) in stored.items()}
