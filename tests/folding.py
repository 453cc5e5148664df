"""Folds a whole batch of events at once, as a service does in slices."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline.fold import Fold, Folded, Handlers

StateT = TypeVar("StateT")
RowT = TypeVar("RowT")


def fold(
    handlers: Handlers[StateT, RowT], states: Mapping[str, StateT], events: Sequence[Event[EventData]], now: datetime
) -> Folded[StateT, RowT]:
    """Apply `events` in order to `states`; an event whose handler raises is refused, and the others are applied."""
    folding = Fold(handlers, states, now)
    for event in events:
        folding.apply(event)
    return folding.result()
