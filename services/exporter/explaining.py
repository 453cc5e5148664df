"""Tells operators, and approval, what the exporter knows of one commitment."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from schemas.story import ExporterPart, ToldAttempt, ToldConnection, ToldOrder
from services.exporter.handlers import handlers
from services.exporter.rules.circuit import plausible
from services.exporter.rules.export import Export
from services.exporter.rules.kept_attempts import KeptAttempt
from services.exporter.rules.telling import told_connection, told_export, told_order
from services.exporter.storage import attempts, told
from services.exporter.storage.tables import ATTEMPT, CONNECTION, EXPORT, KERNEL, SNAPSHOT
from services.pipeline.clock import Clock, utc_now
from services.pipeline.database import Database, Transaction
from services.pipeline.explaining import TailsOf, read_traffic, tails_or_nothing
from services.pipeline.unreadable import noted, read_or_none, readable

TOPICS = sorted(on.data_type.topic for on in handlers(lambda *_: None))


async def explain(database: Database, commitment_id: str, tails_of: TailsOf, clock: Clock = utc_now) -> ExporterPart:
    """Return what is known of a commitment, also if no order for it has come; one of DATABASE_ERRORS otherwise."""
    tails = await tails_or_nothing(tails_of, TOPICS, commitment_id)
    with noted() as unreadable:
        async with database.begin() as db:
            now = clock()
            row = await told.commitment(db, commitment_id)
            exports = await told.exports(db, commitment_id)
            orders = await told.orders(db, commitment_id)
            kept = await attempts.attempts(db, commitment_id)
            name = row.connection if row and row.connection else _last_connection(exports)
            connection = await _connection(db, name, now) if name else None
            traffic = await read_traffic(db, KERNEL, commitment_id, tails)
        return ExporterPart(
            as_of=now,
            may_be_cut=len(exports) >= told.MAX_REVISIONS or len(kept) >= attempts.MAX_ATTEMPTS,
            traffic=traffic,
            exports=tuple(readable(EXPORT, exports, _revision, told_export)),
            orders=tuple(_orders(commitment_id, orders)),
            attempts=tuple(_attempts(kept)),
            connection=connection,
            leased_until=row.due_at if row and row.is_leased else None,
            set_aside=row.set_aside if row else None,
            unreadable=tuple(unreadable),
        )


def _last_connection(exports: Sequence[Export]) -> str | None:
    return exports[-1].connection if exports else None


def _revision(export: Export) -> str:
    return f"{export.commitment_id} {export.revision}"


def _orders(commitment_id: str, rows: Iterable[tuple[int, int, int, int]]) -> list[ToldOrder]:
    return readable(SNAPSHOT, rows, lambda row: f"{commitment_id} {row[0]} {row[1]}", lambda row: told_order(*row))


def _attempts(kept: Iterable[KeptAttempt]) -> list[ToldAttempt]:
    return readable(ATTEMPT, kept, lambda each: f"{each.commitment_id} {each.token}", ToldAttempt.model_validate)


async def _connection(db: Transaction, name: str, now: datetime) -> ToldConnection | None:
    row = await told.connection(db, name)
    if row is None:
        return ToldConnection(name=name, title=name, is_configured=False)
    announced_as = partial(
        told_connection,
        name,
        circuit=plausible(row.circuit, now),
        poller={"last_asked": row.poller.last_asked, "trouble": row.poller.trouble},
        is_configured=row.configured_until is not None and row.configured_until > now,
        now=now,
    )
    return read_or_none(CONNECTION, name, lambda: announced_as(told=row.told)) or announced_as(told=None)
