"""What the services and the ERP know of single commitments: for whoever has to find out why one has not ended."""

from collections.abc import Iterable, Sequence

from pydantic import SecretStr
from sqlalchemy import text

from sandbox.erp.journal import Entry
from services.pipeline.database import Database

KEYS = {
    "exporter.commitment": "id",
    "exporter.export": "commitment_id",
    "exporter.look": "commitment_id",
    "exporter.outbox": "key",
    "approval.commitment": "id",
    "approval.history": "commitment_id",
    "approval.outbox": "key",
}
"""The tables to read, and the column of each that has the commitment's id."""


async def evidence_of(database_url: str, ids: Sequence[str], entries: Iterable[Entry]) -> list[str]:
    """Return a line for each row about `ids` and for each call to the ERP about them, as JSON."""
    if not ids:
        return []
    found: list[str] = []
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        for table, column in KEYS.items():
            chosen = text(f"select {column}, row_to_json(t)::text from {table} t where {column} = any(:ids)")  # noqa: S608
            found += [f"{id_} {table} {row}" for id_, row in await db.execute(chosen, {"ids": list(ids)})]
    await database.close()
    calls = [
        f"{each.reference} ERP {each.model_dump_json(exclude={'order'})}" for each in entries if each.reference in ids
    ]
    return sorted([*found, *calls])
