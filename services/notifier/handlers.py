"""All that the notifier listens to, at a glance."""

from schemas.events import ApprovalRequested, DecisionRejected, DigestReady, ExportFailed
from services.notifier.rules.event_handlers import tell
from services.pipeline.fold import On

COMMITMENT_HANDLERS = (
    On(DecisionRejected, tell),
    On(ExportFailed, tell),
    On(ApprovalRequested, tell),
)
DIGEST_HANDLERS = (On(DigestReady, tell),)
