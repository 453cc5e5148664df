"""What approval keeps: its handlers with their stores, also for redriving dead letters."""

from services.approval.handlers import (
    CONNECTION_HANDLERS,
    HANDLERS,
    PEOPLE_HANDLERS,
    PREFERENCE_HANDLERS,
    REFERENCE_HANDLERS,
)
from services.approval.storage.references import REFERENCES
from services.approval.storage.store import CONNECTIONS, PEOPLE, PREFERENCES, CommitmentStore
from services.pipeline.aggregate import Aggregate, topics_of

AGGREGATES = (
    # people first: who is asked to approve a commitment of the same batch depends on their rights
    Aggregate("person", tuple(PEOPLE_HANDLERS), PEOPLE),
    Aggregate("commitment", tuple(HANDLERS), CommitmentStore(), is_independent=True),
    Aggregate("preference", tuple(PREFERENCE_HANDLERS), PREFERENCES),
    # entries before the connections that say how far the lists are read
    Aggregate("erp_reference", tuple(REFERENCE_HANDLERS), REFERENCES),
    Aggregate("erp_connection", tuple(CONNECTION_HANDLERS), CONNECTIONS),
)

TOPICS = topics_of(AGGREGATES)
"""What it reads."""


def load_aggregates() -> tuple[Aggregate, ...]:
    """Return approval's aggregates; they need nothing from the environment."""
    return AGGREGATES
