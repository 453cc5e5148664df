"""Finds out which connections have commitments that are due, in one statement that even an idle exporter can afford."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, all_, bindparam, case, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from services.exporter.rules.circuit import Circuit
from services.exporter.storage import tables
from services.exporter.storage.connection_store import circuit_of
from services.pipeline.database import Transaction
from services.pipeline.lease_clock import DATABASE_NOW, within_sight

_COMMITMENT = tables.COMMITMENT
_CONNECTION = tables.CONNECTION


@dataclass(frozen=True, slots=True)
class ConnectionQueue:
    """A connection as all processes see it; `due_at` is None if no commitment waits for it.

    `leases` are those of all processes. Expired ones do not count: those of a killed process could fill the limit, and
    no other process could take them over.
    """

    name: str
    due_at: datetime | None
    circuit: Circuit
    leases: int


async def read_queues(
    db: Transaction, given_now: datetime | None, held: Sequence[str]
) -> tuple[datetime, Sequence[ConnectionQueue]]:
    """Return the database's time, and every connection that is registered or has commitments waiting.

    The commitments in `held` are left out.
    """
    rows = (await db.execute(_QUEUES, {"now": given_now, "held": list(held)})).all()
    queues = [
        ConnectionQueue(row.queue, row.due_at, Circuit() if row.name is None else circuit_of(row), row.leases)
        for row in rows
        if row.queue is not None
    ]
    return rows[0].now, queues


# One row per connection that commitments wait for, and when the first of them is due. Each step jumps to the next
# connection in the index, so that the number of waiting commitments does not matter.
_waiting_commitments = (
    select(_COMMITMENT.c.connection, _COMMITMENT.c.due_at)
    .where(_COMMITMENT.c.due_at.is_not(None), _COMMITMENT.c.id != all_(bindparam("held", type_=ARRAY(Text))))
    .order_by(_COMMITMENT.c.connection, _COMMITMENT.c.due_at)
    .limit(1)
)
_first = _waiting_commitments.where(_COMMITMENT.c.connection.is_not(None)).subquery()
_WAITING = select(_first.c.connection, _first.c.due_at).cte("waiting", recursive=True)
_next = _waiting_commitments.where(_COMMITMENT.c.connection > _WAITING.c.connection).correlate(_WAITING).lateral("next")
_WAITING = _WAITING.union_all(select(_next.c.connection, _next.c.due_at).select_from(_WAITING.join(_next, true())))

_MOMENT = select(DATABASE_NOW.label("now")).cte("moment")
_leases = (
    select(func.count())
    .where(
        _COMMITMENT.c.connection == _WAITING.c.connection,
        _COMMITMENT.c.lease_token.is_not(None),
        _COMMITMENT.c.due_at > _MOMENT.c.now,
    )
    .correlate(_WAITING, _MOMENT)
    .scalar_subquery()
)
_QUEUES = select(
    _MOMENT.c.now,
    func.coalesce(_WAITING.c.connection, _CONNECTION.c.name).label("queue"),
    case((_WAITING.c.due_at.is_not(None), within_sight(_WAITING.c.due_at, _MOMENT.c.now))).label("due_at"),
    _leases.label("leases"),
    *(_CONNECTION.c[name] for name in ("name", "missed_calls", "open_since", "try_at", "last_contact")),
).select_from(
    _MOMENT.outerjoin(
        _WAITING.join(_CONNECTION, _CONNECTION.c.name == _WAITING.c.connection, isouter=True, full=True), true()
    )
)
