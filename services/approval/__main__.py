"""Wires the approval service together and runs it."""

import sys
from functools import partial

from schemas.events import (
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionFirstApproved,
    DecisionRejected,
    DecisionResolved,
    QuestionAnswered,
    QuestionAsked,
)
from services.approval import holding
from services.approval.aggregates import AGGREGATES
from services.approval.decisions import Decisions
from services.approval.explaining import explain
from services.approval.handlers import PUBLISHED
from services.approval.holding import HeldAnswers
from services.approval.identity import removed_people
from services.approval.metrics import REFRESH_SECONDS, refresh_gauges
from services.approval.rules.refusals import refusal
from services.approval.rules_file import read_rules
from services.approval.settings import ApprovalSettings
from services.approval.storage import retention, tallies
from services.approval.storage.tables import KERNEL
from services.approval.web.app import build_app
from services.pipeline.catching_up import CatchingUp
from services.pipeline.database import Database
from services.pipeline.http import operators_app
from services.pipeline.lateness import Lateness
from services.pipeline.operations_endpoint import with_operations
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import every
from services.pipeline.runtime import Service, run_service
from services.pipeline.settings import load
from services.pipeline.sparing import sparing

OWN_DECISIONS = tuple(
    decision.topic
    for decision in (
        DecisionFirstApproved,
        DecisionAccepted,
        DecisionRejected,
        DecisionResolved,
        DecisionDriftAccepted,
        QuestionAsked,
        QuestionAnswered,
    )
)
"""What a database that was restored from a backup has to read again before anybody may decide on it."""


def build() -> tuple[Service, ApprovalSettings]:
    """Return the service and its settings."""
    settings = load(ApprovalSettings)
    rules = read_rules(settings.approval_rules)
    database = Database(settings.database_url, application_name="countersign.approval")
    outbox = Outbox(KERNEL)
    catching_up = CatchingUp(database, KERNEL, OWN_DECISIONS)
    lateness = Lateness(database, KERNEL)
    decisions = Decisions(database, outbox, catching_up.require, rules)
    held = HeldAnswers(decisions, database, outbox, catching_up.require, settings.undo_seconds)
    app = build_app(settings, database, outbox, catching_up.require, lateness, rules)
    service = Service(
        name="approval",
        tables=KERNEL,
        database=database,
        outbox=outbox,
        aggregates=AGGREGATES,
        loops=(
            every(REFRESH_SECONDS, sparing(partial(refresh_gauges, database))),
            every(removed_people.SECONDS, partial(removed_people.end_sessions_of_removed, database)),
            every(holding.CARRY_OUT_SECONDS, held.carry_out_due),
            every(tallies.FOLD_SECONDS, partial(tallies.keep_folded, database)),
        ),
        app=app,
        operators=with_operations(operators_app(app, settings.metrics_port), settings, database, explain),
        public_url=settings.public_url,
        publishes=PUBLISHED,
        reply=refusal,
        catching_up=catching_up,
        lateness=lateness,
        retention=retention.rules(settings.keep_history_days, settings.keep_finished_days),
    )
    return service, settings


def main() -> int:
    """Run approval until it receives a signal to stop; return the exit code."""
    return run_service("approval", build)


if __name__ == "__main__":
    sys.exit(main())
