"""Counts what became of commitments, in Tryton's own tables and among the exporter's open items."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from sandbox.tryton.erp import TrytonErp
from sandbox.world import World

PURCHASES = """
select p.reference, p.comment, count(line.id) as lines, sum(line.quantity) as quantity
from purchase_purchase p left join purchase_line line on line.purchase = p.id
group by p.id order by p.id
"""
OPEN = "select commitment_id, revision, state from exporter.export where state in ('in_doubt', 'failed')"


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase in Tryton: the revision in its marker, and its lines."""

    revision: int
    lines: int


Books = Mapping[str, Sequence[Purchase]]


async def purchases(world: World) -> Books:
    """Return the purchases of each commitment."""
    assert isinstance(world.erp, TrytonErp)
    books = defaultdict(list)
    for row in await _rows(world.erp.tryton.server.database_url, PURCHASES):
        _, revision, _ = row.comment.splitlines()[0].rsplit("/", 2)
        books[row.reference].append(Purchase(int(revision), row.lines))
    return books


async def open_items(world: World) -> dict[str, str]:
    """Return the state of each commitment that waits for a person or for an answer."""
    return {row.commitment_id: row.state for row in await _rows(world.environment["DATABASE_URL"], OPEN)}


async def _rows(url: str, statement: str) -> Sequence[object]:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        return (await connection.execute(text(statement))).all()
