"""Tells operators, and approval, what the exporter knows of one commitment."""

from collections.abc import Sequence
from datetime import datetime

from schemas.story import ExporterPart, ToldAttempt, ToldConnection
from services.exporter.handlers import handlers
from services.exporter.rules.export import Export
from services.exporter.rules.telling import told_connection, told_export, told_order
from services.exporter.storage import attempts, told
from services.exporter.storage.tables import KERNEL
from services.pipeline.clock import Clock, utc_now
from services.pipeline.database import Database, Transaction
from services.pipeline.explaining import TailsOf, read_traffic, tails_or_nothing

TOPICS = sorted(on.data_type.topic for on in handlers(lambda *_: None))


async def explain(database: Database, commitment_id: str, tails_of: TailsOf, clock: Clock = utc_now) -> ExporterPart:
    """Return what is known of a commitment, also if no order for it has come; one of DATABASE_ERRORS otherwise."""
    tails = await tails_or_nothing(tails_of, TOPICS, commitment_id)
    async with database.begin() as db:
        now = clock()
        row = await told.commitment(db, commitment_id)
        exports = await told.exports(db, commitment_id) if row else ()
        orders = await told.orders(db, commitment_id) if row else ()
        kept = await attempts.attempts(db, commitment_id) if row else ()
        name = row.connection if row and row.connection else _last_connection(exports)
        return ExporterPart(
            as_of=now,
            may_be_cut=len(exports) >= told.MAX_REVISIONS or len(kept) >= attempts.MAX_ATTEMPTS,
            traffic=await read_traffic(db, KERNEL, commitment_id, tails),
            exports=tuple(map(told_export, exports)),
            orders=tuple(told_order(*each) for each in orders),
            attempts=tuple(ToldAttempt.model_validate(each) for each in kept),
            connection=await _connection(db, name, now) if name else None,
            leased_until=row.due_at if row and row.is_leased else None,
            set_aside=row.set_aside if row else None,
        )


def _last_connection(exports: Sequence[Export]) -> str | None:
    return exports[-1].connection if exports else None


async def _connection(db: Transaction, name: str, now: datetime) -> ToldConnection | None:
    row = await told.connection(db, name)
    if row is None:
        return ToldConnection(name=name, title=name, is_configured=False)
    return told_connection(
        name,
        row.told,
        row.circuit,
        {"last_asked": row.poller.last_asked, "trouble": row.poller.trouble},
        is_configured=row.configured_until is not None and row.configured_until > now,
        now=now,
    )
