"""The parts of approval that the routes of the API and the desk use."""

from dataclasses import dataclass

from services.approval.decisions import Decisions
from services.approval.identity.identity import Identity
from services.approval.settings import ApprovalSettings
from services.pipeline.database import Database
from services.pipeline.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Passed to every router."""

    settings: ApprovalSettings
    database: Database
    outbox: Outbox
    decisions: Decisions
    identity: Identity
