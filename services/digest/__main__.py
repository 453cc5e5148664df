"""Runs the digest: `python -m services.digest`."""

import sys
from functools import partial

from services.digest.aggregates import AGGREGATES
from services.digest.explaining import GROUP, explain
from services.digest.handlers import PUBLISHED
from services.digest.projection import Projection
from services.digest.schedule import WAKE_SECONDS, Schedule
from services.digest.settings import DigestSettings
from services.digest.storage import retention
from services.digest.storage.tables import KERNEL
from services.pipeline.aggregate import topics_of
from services.pipeline.database import Database
from services.pipeline.http import new_app, operators_app
from services.pipeline.operations_endpoint import with_operations
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import every
from services.pipeline.runtime import Service, run_service
from services.pipeline.settings import load


def build() -> tuple[Service, DigestSettings]:
    """Return the service and its settings, as the environment configures them."""
    settings = load(DigestSettings)
    database = Database(settings.database_url, application_name="countersign.digest")
    outbox = Outbox(KERNEL)
    projection = Projection(settings, database, outbox)
    schedule = Schedule(database, outbox, settings)
    build_due = partial(schedule.build_due, may_build=lambda: projection.is_ready)
    app = new_app("Countersign digest")
    service = Service(
        name="digest",
        tables=KERNEL,
        database=database,
        outbox=outbox,
        app=app,
        operators=with_operations(
            operators_app(app, settings.metrics_port),
            settings,
            database,
            partial(explain, digest_at=settings.digest_at),
            GROUP,
        ),
        loops=(projection.run, every(WAKE_SECONDS, build_due, first_after_seconds=WAKE_SECONDS)),
        publishes=PUBLISHED,
        projected=AGGREGATES,
        follows=topics_of(AGGREGATES),
        is_ready=lambda: projection.is_ready,
        on_highs=projection.compare_with,
        retention=retention.rules(settings.keep_finished_days, settings.keep_summaries_days),
    )
    return service, settings


def main() -> int:
    """Run the digest until a signal stops it."""
    return run_service("digest", build)


if __name__ == "__main__":
    sys.exit(main())
