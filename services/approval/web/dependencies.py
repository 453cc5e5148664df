"""The parts of approval that the routes of the API and the desk use."""

from dataclasses import dataclass

from services.approval.decisions import Decisions
from services.approval.holding import HeldAnswers
from services.approval.identity.identity import Identity
from services.approval.preferences import Preferences
from services.approval.questions import Questions
from services.approval.settings import ApprovalSettings
from services.approval.web.readers import Readers
from services.approval.web.story import Stories
from services.pipeline.database import Database
from services.pipeline.lateness import Lateness
from services.pipeline.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Passed to every router."""

    settings: ApprovalSettings
    database: Database
    outbox: Outbox
    decisions: Decisions
    identity: Identity
    lateness: Lateness
    """Says how far the consumer is behind, by which newer commitments may be missing."""

    questions: Questions
    preferences: Preferences
    held: HeldAnswers
    stories: Stories
    readers: Readers
    """Taken by whatever loads, compares or shows contents; never while it is held already."""
