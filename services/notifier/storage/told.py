"""Reads the mails about one commitment."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from services.notifier.storage.tables import MAIL
from services.pipeline.database import Transaction

MAX_MAILS = 200


async def mails(db: Transaction, commitment_id: str) -> Sequence[Mapping[str, Any]]:
    """Return the rows of the last mails about a commitment, oldest first."""
    chosen = select(MAIL).where(MAIL.c.commitment_id == commitment_id).order_by(MAIL.c.created_at.desc())
    rows = (await db.execute(chosen.limit(MAX_MAILS))).mappings().all()
    return [{str(name): value for name, value in row.items()} for row in reversed(rows)]
