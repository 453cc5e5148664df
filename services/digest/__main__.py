"""Runs the digest: `python -m services.digest`."""

import sys
from functools import partial

from services.digest.models import KERNEL
from services.digest.projection import Projection
from services.digest.schedule import Schedule
from services.digest.settings import DigestSettings
from services.pipeline.database import Database
from services.pipeline.outbox import Outbox
from services.pipeline.runtime import Service, run_service
from services.pipeline.settings import load


def build() -> tuple[Service, DigestSettings]:
    """Put the digest together as its environment says."""
    settings = load(DigestSettings)
    database = Database(settings.database_url, application_name="countersign.digest")
    outbox = Outbox(KERNEL)
    projection = Projection(settings, database)
    schedule = Schedule(database, outbox, settings)
    service = Service(
        name="digest",
        tables=KERNEL,
        database=database,
        outbox=outbox,
        loops=(projection.run, partial(schedule.run, may_build=lambda: projection.is_ready)),
        is_ready=lambda: projection.is_ready,
    )
    return service, settings


def main() -> int:
    """Run the digest until it is told to stop."""
    return run_service(build)


if __name__ == "__main__":
    sys.exit(main())
