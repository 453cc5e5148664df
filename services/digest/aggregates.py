"""What the digest keeps: its handlers with their stores, also for redriving dead letters."""

from services.digest.handlers import ITEM_HANDLERS, PERSON_HANDLERS, PREFERENCE_HANDLERS
from services.digest.storage.store import ITEMS, PEOPLE, PREFERENCES
from services.pipeline.aggregate import Aggregate, topics_of

AGGREGATES = (
    Aggregate("item", ITEM_HANDLERS, ITEMS),
    Aggregate("person", PERSON_HANDLERS, PEOPLE),
    Aggregate("preference", PREFERENCE_HANDLERS, PREFERENCES),
)

TOPICS = topics_of(AGGREGATES)
"""What it reads."""


def load_aggregates() -> tuple[Aggregate, ...]:
    """Return the digest's aggregates; they need nothing from the environment."""
    return AGGREGATES
