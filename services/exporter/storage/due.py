"""Finds out which connections have commitments that are due, in one statement that even an idle exporter can afford."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Row, Text, all_, bindparam, case, exists, false, func, select, text, true
from sqlalchemy.dialects.postgresql import ARRAY

from services.exporter.rules.circuit import Circuit, plausible
from services.exporter.storage import tables
from services.exporter.storage.connection_store import CIRCUIT_COLUMNS, circuit_of
from services.pipeline.database import Transaction
from services.pipeline.lease_clock import DATABASE_NOW, within_sight
from services.pipeline.slices import mapped

_COMMITMENT = tables.COMMITMENT
_CONNECTION = tables.CONNECTION


@dataclass(frozen=True, slots=True)
class ConnectionQueue:
    """A connection as all processes see it; `due_at` is None if no commitment waits for it.

    `leases` are those of all processes. Expired ones do not count: those of a killed process could fill the limit, and
    no other process could take them over. `is_configured` says whether a running process has it in its file, also as a
    former name.
    """

    name: str
    due_at: datetime | None
    circuit: Circuit
    leases: int
    is_configured: bool = False


async def read_queues(
    db: Transaction, given_now: datetime | None, held: Sequence[str]
) -> tuple[datetime, Sequence[ConnectionQueue]]:
    """Return the database's time, and every connection that is registered or has commitments waiting.

    The commitments in `held` are left out.
    """
    rows = (await db.execute(_QUEUES, {"now": given_now, "held": list(held)})).all()
    return rows[0].now, await mapped(_queue, [row for row in rows if row.queue is not None])


def _queue(row: Row[Any]) -> ConnectionQueue:
    circuit = Circuit() if row.name is None else plausible(circuit_of(row), row.now)
    return ConnectionQueue(row.queue, row.due_at, circuit, row.leases, row.is_configured)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What is leased on a connection, by all processes, and whether a look for late documents is due there."""

    leases: int
    is_look_due: bool


async def read_under_way(db: Transaction, names: Sequence[str], now: datetime) -> UnderWay:
    """Return what is under way on the connection with these `names`; exact while its row is locked."""
    row = (await db.execute(_UNDER_WAY, {"names": list(names), "moment": now})).one()
    return UnderWay(row.exports + row.looks + row.comparisons, row.is_look_due)


async def bring_back(db: Transaction, names: Sequence[str], last_contact: datetime | None) -> None:
    """Give the exports of a connection that were put off since its last contact their places in the queue again.

    They were put off by the calls that showed that the ERP is down. What somebody else has locked stays as it is.
    """
    await db.execute(_BRING_BACK, {"names": list(names), "since": last_contact})


_BRING_BACK = text(
    """
    with put_off as (
        select commitment.id, waiting.revision, waiting.accepted_at as due_at
        from exporter.commitment
        join lateral (
            select revision, accepted_at, state from exporter.export
            where commitment_id = commitment.id and state in ('pending', 'in_flight', 'in_doubt')
            order by state = 'pending', revision limit 1
        ) waiting on waiting.state = 'pending'
        where commitment.connection = any(:names) and commitment.lease_token is null
            and commitment.due_at > coalesce(:since, '-infinity') and commitment.due_at > waiting.accepted_at
        for no key update of commitment skip locked
    ),
    moved as (
        update exporter.export set due_at = put_off.due_at from put_off
        where export.commitment_id = put_off.id and export.revision = put_off.revision
    )
    update exporter.commitment set due_at = put_off.due_at from put_off where commitment.id = put_off.id
    """
).bindparams(bindparam("names", type_=ARRAY(Text)), bindparam("since", type_=DateTime(timezone=True)))

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
_configured_until = func.greatest(_CONNECTION.c.configured_until, _CONNECTION.c.formerly_until)
_QUEUES = select(
    _MOMENT.c.now,
    func.coalesce(_WAITING.c.connection, _CONNECTION.c.name).label("queue"),
    case((_WAITING.c.due_at.is_not(None), within_sight(_WAITING.c.due_at, _MOMENT.c.now))).label("due_at"),
    _leases.label("leases"),
    func.coalesce(_configured_until > _MOMENT.c.now, false()).label("is_configured"),
    *(_CONNECTION.c[name] for name in ("name", *CIRCUIT_COLUMNS)),
).select_from(
    _MOMENT.outerjoin(
        _WAITING.join(_CONNECTION, _CONNECTION.c.name == _WAITING.c.connection, isouter=True, full=True), true()
    )
)

_LOOK = tables.LOOK
_COMPARISON = tables.COMPARISON
_now = bindparam("moment", type_=DateTime(timezone=True))
_names = func.any(bindparam("names", type_=ARRAY(Text)))
_leased_exports = select(func.count()).where(
    _COMMITMENT.c.connection == _names, _COMMITMENT.c.lease_token.is_not(None), _COMMITMENT.c.due_at > _now
)
_leased_looks = select(func.count()).where(
    _LOOK.c.connection == _names, _LOOK.c.lease_token.is_not(None), _LOOK.c.due_at > _now
)
_leased_comparisons = select(func.count()).where(
    _COMPARISON.c.connection == _names, _COMPARISON.c.lease_token.is_not(None), _COMPARISON.c.due_at > _now
)
_due_look = exists().where(_LOOK.c.connection == _names, _LOOK.c.due_at <= _now)
_UNDER_WAY = select(
    _leased_exports.scalar_subquery().label("exports"),
    _leased_looks.scalar_subquery().label("looks"),
    _leased_comparisons.scalar_subquery().label("comparisons"),
    _due_look.label("is_look_due"),
)
