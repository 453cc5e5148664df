"""Runs the exporter: `python -m services.exporter`."""

import os
import sys
from contextlib import suppress
from functools import partial
from typing import Any

from services.exporter.aggregates import aggregates
from services.exporter.comparing import IDLE_SECONDS, ComparisonWork
from services.exporter.connections import Connections, load_connections
from services.exporter.expiring import EXPIRING_SECONDS, SHOWN_SECONDS, Expiring
from services.exporter.explaining import explain
from services.exporter.handlers import PUBLISHED
from services.exporter.polling.conversations import SILENCE_SECONDS, Conversations, conversations_of
from services.exporter.presence import PRESENCE_SECONDS, Presence
from services.exporter.rechecking import RECHECK_IDLE_SECONDS, RecheckWork
from services.exporter.reloading import Reloading
from services.exporter.report import ANNOUNCE_SECONDS, REPORT_SECONDS, ConnectionReport
from services.exporter.settings import ExporterSettings
from services.exporter.storage import retention, tables
from services.exporter.storage.store import ExportStore
from services.exporter.web_connector.app import build_app
from services.exporter.work import ExportWork
from services.pipeline.aggregate import topics_of
from services.pipeline.catching_up import CatchingUp
from services.pipeline.database import Database
from services.pipeline.http import operators_app
from services.pipeline.lease_clock import LeaseClock
from services.pipeline.operations_endpoint import with_operations
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import Loop, every
from services.pipeline.runtime import Service, run_service
from services.pipeline.settings import ServiceSettings, load
from services.pipeline.sparing import sparing
from services.pipeline.worker import Worker


def build() -> tuple[Service, ServiceSettings]:
    """Build the exporter from its environment."""
    settings = load(ExporterSettings)
    connections = load_connections(settings.erp_connections, os.environ)
    database = Database(settings.database_url, application_name="countersign.exporter", pool_size=settings.pool_size)
    outbox, own_aggregates = Outbox(tables.KERNEL), aggregates(connections.route)
    catching_up = CatchingUp(database, tables.KERNEL, topics_of(own_aggregates))
    conversations = conversations_of(database, outbox, connections, lambda: catching_up.is_caught_up)
    exporting, *others = _workers(connections, database, outbox, catching_up)
    report = ConnectionReport(database, outbox, connections, database.clock)
    presence, expiring = Presence(database, connections), Expiring(connections)

    async def begin_with_reloaded() -> None:
        exporting.wake()
        await presence.renew()
        await report.report()
        with suppress(OSError, ValueError):  # the periodic task tells it
            await expiring.read_files()

    app = build_app(connections, conversations, settings.web_connector_url)
    reloading = Reloading(connections, settings.erp_connections, os.environ, begin_with_reloaded)
    service = Service(
        name="exporter",
        tables=tables.KERNEL,
        database=database,
        outbox=outbox,
        app=app,
        operators=with_operations(operators_app(app, settings.metrics_port), settings, database, explain),
        public_url=settings.web_connector_url,
        aggregates=own_aggregates,
        workers=(exporting, *others),
        loops=(*_loops(presence, report, conversations, expiring), reloading.run),
        publishes=PUBLISHED,
        catching_up=catching_up,
        closers=(connections.close,),
        reload=reloading.ask,
        retention=retention.rules(settings.keep_finished_days),
    )
    return service, settings


def _loops(
    presence: Presence, report: ConnectionReport, conversations: Conversations, expiring: Expiring
) -> tuple[Loop, ...]:
    return (
        every(PRESENCE_SECONDS, presence.renew),
        every(SILENCE_SECONDS, conversations.end_silent),
        every(ANNOUNCE_SECONDS, report.announce_changes),
        every(EXPIRING_SECONDS, expiring.read_files),
        every(SHOWN_SECONDS, expiring.show_servers),
        # with a million waiting exports, or on a slow machine, the figures are counted less often
        every(REPORT_SECONDS, sparing(report.report)),
    )


def _workers(
    connections: Connections, database: Database, outbox: Outbox, catching_up: CatchingUp
) -> tuple[Worker[Any, Any], ...]:
    """Return the worker that exports, and those that look into the ERPs afterwards."""
    # after a restore, an order may have been taken back since
    working = partial(Worker, database, outbox, may_claim=lambda: catching_up.is_caught_up)
    store, clock = ExportStore(), LeaseClock()
    return (
        working(ExportWork(connections, store, clock), concurrency=lambda: max(connections.max_leases, 1)),
        working(
            RecheckWork(connections, store, clock),
            concurrency=lambda: max(len(connections.by_name), 1),
            max_idle_seconds=RECHECK_IDLE_SECONDS,
        ),
        working(ComparisonWork(connections, clock), concurrency=1, max_idle_seconds=IDLE_SECONDS),
    )


def main() -> int:
    """Run the exporter until a signal stops it; return its exit status."""
    return run_service("exporter", build)


if __name__ == "__main__":
    sys.exit(main())
