"""Runs the notifier: `python -m services.notifier`."""

import sys
from functools import partial

from services.notifier.aggregates import AGGREGATES
from services.notifier.composing import Composer
from services.notifier.explaining import explain
from services.notifier.handlers import PUBLISHED
from services.notifier.settings import NotifierSettings
from services.notifier.smtp import IDLE_SECONDS, SmtpGateway, SmtpServer
from services.notifier.storage import retention
from services.notifier.storage.tables import KERNEL
from services.notifier.work import CONCURRENCY, REFRESH_SECONDS, SendMails, refresh_gauges
from services.pipeline.database import Database
from services.pipeline.http import new_app, operators_app
from services.pipeline.operations_endpoint import with_operations
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import every
from services.pipeline.runtime import Service, run_service
from services.pipeline.settings import load
from services.pipeline.worker import Worker


def build() -> tuple[Service, NotifierSettings]:
    """The notifier and its settings, built from the environment; SettingsError for a bad variable."""
    settings = load(NotifierSettings)
    database = Database(settings.database_url, application_name="countersign.notifier")
    outbox = Outbox(KERNEL)
    gateway = SmtpGateway(SmtpServer.from_url(settings.smtp_url.get_secret_value()))
    work = SendMails(Composer(settings.mail_from, settings.public_url), gateway)
    app = new_app("Countersign notifier")
    service = Service(
        name="notifier",
        tables=KERNEL,
        database=database,
        outbox=outbox,
        app=app,
        operators=with_operations(operators_app(app, settings.metrics_port), settings, database, explain),
        aggregates=AGGREGATES,
        publishes=PUBLISHED,
        workers=(Worker(database, outbox, work, concurrency=CONCURRENCY),),
        loops=(
            every(IDLE_SECONDS, gateway.hang_up),
            every(REFRESH_SECONDS, partial(refresh_gauges, database, database.clock)),
        ),
        closers=(gateway.hang_up,),
        retention=retention.rules(settings.keep_mail_contents_days, settings.keep_mails_days),
    )
    return service, settings


def main() -> int:
    """Run the notifier until it receives a signal to stop; the exit status."""
    return run_service("notifier", build)


if __name__ == "__main__":
    sys.exit(main())
