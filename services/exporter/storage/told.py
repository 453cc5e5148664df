"""Reads what the exporter knows of one commitment: a few rows, each found by an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from services.exporter.rules.circuit import Circuit
from services.exporter.rules.export import Export
from services.exporter.storage import pollers
from services.exporter.storage.connection_store import circuit_of
from services.exporter.storage.locking import export_of
from services.exporter.storage.pollers import Poller
from services.exporter.storage.tables import COMMITMENT, CONNECTION, EXPORT, POLLER, SNAPSHOT
from services.pipeline.database import Transaction
from services.pipeline.unreadable import readable

MAX_REVISIONS = 50


@dataclass(frozen=True, slots=True)
class CommitmentRow:
    """Whether a worker has the commitment, and why none takes it up."""

    connection: str | None
    due_at: datetime | None
    is_leased: bool
    set_aside: str | None


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection as it is stored; `told` is its last announcement, which should be JSON."""

    name: str
    told: str | None
    circuit: Circuit
    poller: Poller
    configured_until: datetime | None


async def commitment(db: Transaction, commitment_id: str) -> CommitmentRow | None:
    """Return the row of a commitment; None if no order for it has come."""
    table = COMMITMENT.c
    is_leased = table.lease_token.is_not(None)
    chosen = select(table.connection, table.due_at, is_leased, table.set_aside).where(table.id == commitment_id)
    row = (await db.execute(chosen)).one_or_none()
    return None if row is None else CommitmentRow(row[0], row[1], row[2], row[3])


async def exports(db: Transaction, commitment_id: str) -> Sequence[Export]:
    """Return the exports of its last revisions that can be read, lowest revision first."""
    chosen = select(EXPORT).where(EXPORT.c.commitment_id == commitment_id).order_by(EXPORT.c.revision.desc())
    rows = (await db.execute(chosen.limit(MAX_REVISIONS))).all()
    return readable(EXPORT, reversed(rows), lambda row: f"{commitment_id} {row.revision}", export_of)


async def orders(db: Transaction, commitment_id: str) -> Sequence[tuple[int, int, int, int]]:
    """Return revision, round, partition and offset of each order whose content is kept, oldest first."""
    table = SNAPSHOT.c
    chosen = select(table.revision, table.round, table.read_partition, table.read_offset)
    kept = chosen.where(table.commitment_id == commitment_id, table.read_offset.is_not(None))
    rows = await db.execute(kept.order_by(table.revision.desc(), table.round.desc()).limit(MAX_REVISIONS))
    return [(row[0], row[1], row[2], row[3]) for row in reversed(rows.all())]


async def connection(db: Transaction, name: str) -> ConnectionRow | None:
    """Return what is stored of the connection `name`."""
    with_poller = CONNECTION.outerjoin(POLLER, POLLER.c.connection == CONNECTION.c.name)
    chosen = select(CONNECTION, *pollers.COLUMNS).select_from(with_poller).where(CONNECTION.c.name == name)
    row = (await db.execute(chosen)).one_or_none()
    if row is None:
        return None
    until = max((each for each in (row.configured_until, row.formerly_until) if each), default=None)
    return ConnectionRow(name, row.told, circuit_of(row), pollers.poller_of(row), until)
