"""What the desk's routes are built from."""

from dataclasses import dataclass

from services.approval.decisions import Decisions
from services.approval.identity.identity import Identity
from services.approval.settings import ApprovalSettings
from services.pipeline.database import Database
from services.pipeline.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts of approval that the desk uses."""

    settings: ApprovalSettings
    database: Database
    outbox: Outbox
    decisions: Decisions
    identity: Identity
