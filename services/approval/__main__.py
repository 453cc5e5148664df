"""Wires the approval service together and runs it."""

import sys
from functools import partial

from services.approval.handlers import CONNECTION_HANDLERS, HANDLERS, PEOPLE_HANDLERS
from services.approval.metrics import REFRESH_SECONDS, refresh_gauges
from services.approval.settings import ApprovalSettings
from services.approval.storage.store import CONNECTIONS, PEOPLE, CommitmentStore
from services.approval.storage.tables import KERNEL
from services.approval.web.app import build_app
from services.pipeline.aggregate import Aggregate
from services.pipeline.database import Database
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import every
from services.pipeline.runtime import Service, run_service
from services.pipeline.settings import load
from services.pipeline.sparing import sparing

AGGREGATES = (
    # people first: who is asked to approve a commitment of the same batch depends on their rights
    Aggregate("person", tuple(PEOPLE_HANDLERS), PEOPLE),
    Aggregate("commitment", tuple(HANDLERS), CommitmentStore()),
    Aggregate("erp_connection", tuple(CONNECTION_HANDLERS), CONNECTIONS),
)


def build() -> tuple[Service, ApprovalSettings]:
    """Return the service and its settings."""
    settings = load(ApprovalSettings)
    database = Database(settings.database_url, application_name="countersign.approval")
    outbox = Outbox(KERNEL)
    service = Service(
        name="approval",
        tables=KERNEL,
        database=database,
        outbox=outbox,
        aggregates=AGGREGATES,
        loops=(every(REFRESH_SECONDS, sparing(partial(refresh_gauges, database))),),
        app=build_app(settings, database, outbox),
    )
    return service, settings


def main() -> int:
    """Run approval until it receives a signal to stop; return the exit code."""
    return run_service(build)


if __name__ == "__main__":
    sys.exit(main())
