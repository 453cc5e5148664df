"""Runs the exporter: `python -m services.exporter`."""

import os
import sys

from schemas.events import ErpConnection, ExportDrifted, ExportFailed, ExportInDoubt, ExportSucceeded
from services.exporter.aggregates import aggregates
from services.exporter.attempt import AttemptResult, ExportJob
from services.exporter.comparing import IDLE_SECONDS, ComparisonWork
from services.exporter.connections import Connections, load_connections
from services.exporter.connectors.types import FindAnswer, ReadAnswer
from services.exporter.rechecking import RECHECK_IDLE_SECONDS, RecheckJob, RecheckWork
from services.exporter.reloading import Reloading
from services.exporter.report import REPORT_SECONDS, ConnectionReport
from services.exporter.settings import ExporterSettings
from services.exporter.storage import retention, tables
from services.exporter.storage.comparisons import Comparison
from services.exporter.storage.store import ExportStore
from services.exporter.work import ExportWork
from services.pipeline.aggregate import topics_of
from services.pipeline.catching_up import CatchingUp
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.lease_clock import LeaseClock
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import every
from services.pipeline.runtime import Service, run_service
from services.pipeline.settings import ServiceSettings, load
from services.pipeline.sparing import sparing
from services.pipeline.worker import Worker

PUBLISHED = (ErpConnection, ExportDrifted, ExportFailed, ExportInDoubt, ExportSucceeded)


def build() -> tuple[Service, ServiceSettings]:
    """Build the exporter from its environment."""
    settings = load(ExporterSettings)
    connections = load_connections(settings.erp_connections, os.environ)
    database = Database(settings.database_url, application_name="countersign.exporter", pool_size=24)
    outbox, own_aggregates = Outbox(tables.KERNEL), aggregates(connections.route)
    catching_up = CatchingUp(database, tables.KERNEL, topics_of(own_aggregates))
    worker = _worker(connections, database, outbox, catching_up)
    report = ConnectionReport(database, outbox, connections, utc_now)

    async def begin_with_reloaded() -> None:
        worker.wake()
        await report.report()

    reloading = Reloading(connections, settings.erp_connections, os.environ, begin_with_reloaded)
    further = (connections, database, outbox, catching_up)
    service = Service(
        name="exporter",
        tables=tables.KERNEL,
        database=database,
        outbox=outbox,
        aggregates=own_aggregates,
        workers=(worker, _rechecker(*further), _comparer(*further)),
        # with a million waiting exports, the figures are counted less often
        loops=(every(REPORT_SECONDS, sparing(report.report)), reloading.run),
        publishes=PUBLISHED,
        catching_up=catching_up,
        closers=(connections.close,),
        reload=reloading.ask,
        retention=retention.rules(settings.keep_finished_days),
    )
    return service, settings


def _worker(
    connections: Connections, database: Database, outbox: Outbox, catching_up: CatchingUp
) -> Worker[ExportJob, AttemptResult]:
    return Worker(
        database,
        outbox,
        ExportWork(connections, ExportStore(), LeaseClock()),
        concurrency=lambda: max(connections.max_leases, 1),
        # after a restore, an order may have been taken back since
        may_claim=lambda: catching_up.is_caught_up,
    )


def _rechecker(
    connections: Connections, database: Database, outbox: Outbox, catching_up: CatchingUp
) -> Worker[RecheckJob, FindAnswer]:
    return Worker(
        database,
        outbox,
        RecheckWork(connections, ExportStore(), LeaseClock()),
        concurrency=lambda: max(len(connections.by_name), 1),
        max_idle_seconds=RECHECK_IDLE_SECONDS,
        may_claim=lambda: catching_up.is_caught_up,
    )


def _comparer(
    connections: Connections, database: Database, outbox: Outbox, catching_up: CatchingUp
) -> Worker[Comparison, ReadAnswer]:
    return Worker(
        database,
        outbox,
        ComparisonWork(connections, utc_now),
        concurrency=1,
        max_idle_seconds=IDLE_SECONDS,
        may_claim=lambda: catching_up.is_caught_up,
    )


def main() -> int:
    """Run the exporter until a signal stops it; return its exit status."""
    return run_service(build)


if __name__ == "__main__":
    sys.exit(main())
