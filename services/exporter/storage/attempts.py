"""Keeps what the ERP answered to each attempt."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select

from services.exporter.rules.kept_attempts import KeptAttempt
from services.exporter.storage.tables import ATTEMPT
from services.pipeline.database import Transaction
from services.pipeline.writes import Writes

MAX_ATTEMPTS = 200
"""How many are read, the last ones: an export in doubt is probed more than a hundred times a day."""


def keep(writes: Writes, attempt: KeptAttempt | None) -> None:
    """Insert `attempt`, if there is something to keep."""
    if attempt is not None:
        writes.insert(ATTEMPT, [asdict(attempt)])


async def attempts(db: Transaction, commitment_id: str) -> Sequence[KeptAttempt]:
    """Return the last attempts of a commitment, oldest first."""
    table = ATTEMPT.c
    chosen = select(ATTEMPT).where(table.commitment_id == commitment_id).order_by(table.ended_at.desc(), table.token)
    rows = (await db.execute(chosen.limit(MAX_ATTEMPTS))).mappings().all()
    return [KeptAttempt(**row) for row in reversed(rows)]
