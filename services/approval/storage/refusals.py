"""Finds what ERPs refused lately of a company's commitments, and that is not in an ERP since."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, DateTime, Select, bindparam, cast, select, true

from schemas.fields import Status
from services.approval.rules.refused_before import OtherRefusal
from services.approval.storage.tables import COMMITMENT
from services.pipeline.bulk import given_texts
from services.pipeline.database import Transaction
from services.pipeline.unreadable import readable

LATEST = 25
"""How many of those that failed, and of those that were rejected, are looked at."""

DAYS = 90
"""How long a refusal is remembered."""

_STATUSES = [Status.FAILED.value, Status.REJECTED.value]


async def latest(db: Transaction, company_id: str, now: datetime) -> list[OtherRefusal]:
    """Return the refusals of the latest commitments that failed, and of those that were rejected, within DAYS.

    Of several with the same words about the same vendor, the last two are enough: one of them is of another commitment.
    """
    after = now - timedelta(days=DAYS)
    rows = await db.execute(_REFUSED, {"company": company_id, "statuses": _STATUSES, "after": after})
    alike: dict[tuple[str, str, str], list[OtherRefusal]] = {}
    for other in readable(COMMITMENT, rows, lambda row: row.id, _refusal):
        if other:
            alike.setdefault((other.connection, other.vendor, other.message), []).append(other)
    return [refusal for each in alike.values() for refusal in each[:2]]


def _refusal(row: Any) -> OtherRefusal | None:
    """Return the refusal in `row`; None if it has none that still stands."""
    if not row.connection or _is_written_since(row):
        return None
    return OtherRefusal(row.id, row.number, row.vendor, row.connection, row.message)


def _is_written_since(row: Any) -> bool:
    """Whether the refused revision or a later one is in an ERP by now, whatever became of the next one."""
    return any(written["revision"] >= int(row.revision) for written in row.documents or ())


def _latest() -> Select[Any]:
    """Return the statement, which reads the states of at most LATEST commitments of each status."""
    table, status = COMMITMENT, given_texts("statuses", "status")
    chosen = select(table.c.id, table.c.number, table.c.vendor, table.c.state).where(
        table.c.company_id == bindparam("company"),
        table.c.status == status.c.status,
        table.c.since > bindparam("after", type_=DateTime(timezone=True)),
    )
    late = chosen.order_by(table.c.since.desc(), table.c.id.desc()).limit(LATEST).lateral("late")
    state = cast(late.c.state, JSON)
    refusal = state["refusal"]
    said = (refusal["connection"].as_string().label("connection"), refusal["message"].as_string().label("message"))
    written = (refusal["revision"].as_string().label("revision"), state["documents"].label("documents"))
    return select(late.c.id, late.c.number, late.c.vendor, *said, *written).select_from(status).join(late, true())


_REFUSED = _latest()
