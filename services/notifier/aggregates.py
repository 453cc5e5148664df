"""What the notifier keeps: its handlers with their stores, also for redriving dead letters."""

from services.notifier.handlers import COMMITMENT_HANDLERS, DIGEST_HANDLERS
from services.notifier.storage.store import COMMITMENT_MAILS, DIGEST_MAILS
from services.pipeline.aggregate import Aggregate, topics_of

AGGREGATES = (
    Aggregate("commitment", COMMITMENT_HANDLERS, COMMITMENT_MAILS, is_independent=True),
    Aggregate("digest", DIGEST_HANDLERS, DIGEST_MAILS, is_independent=True),
)

TOPICS = topics_of(AGGREGATES)
"""What it reads."""


def load_aggregates() -> tuple[Aggregate, ...]:
    """Return the notifier's aggregates; they need nothing from the environment."""
    return AGGREGATES
