"""Applies a batch of events to states in memory, with the pure functions that a service lists in its handler table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from schemas.envelope import Event
from schemas.events import EventData
from schemas.values import value

StateT = TypeVar("StateT")
RowT = TypeVar("RowT")
DataT = TypeVar("DataT", bound=EventData)


@value
class Decided(Generic[StateT, RowT]):
    """What a handler decides: the new state, events to publish, and insert-only rows to save with the state."""

    state: StateT
    publish: tuple[Event[EventData], ...] = ()
    rows: tuple[RowT, ...] = ()
    is_changed: bool = True


class RefusedError(Exception):
    """A well-formed event contradicts the state; it becomes a dead letter with this reason."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(why)
        self.reason = reason


@value
class On(Generic[DataT, StateT, RowT]):
    """Binds a type of event to the pure function that handles it."""

    data_type: type[DataT]
    handle: Callable[[StateT, Event[DataT], datetime], Decided[StateT, RowT]]


Handlers = Sequence[On[Any, StateT, RowT]]


@value
class StateChange(Generic[StateT, RowT]):
    """What a batch changes for one key."""

    key: str
    before: StateT
    after: StateT
    rows: tuple[RowT, ...]


@dataclass(slots=True)
class Folded(Generic[StateT, RowT]):
    """What a batch of events leads to; `outcomes` says of each handled event whether it changed the state."""

    changes: list[StateChange[StateT, RowT]]
    publish: list[Event[EventData]]
    refused: list[tuple[Event[EventData], Exception]]
    outcomes: list[tuple[Event[EventData], bool]]


class Fold(Generic[StateT, RowT]):
    """Applies events one after the other to `states`, in memory."""

    def __init__(self, handlers: Handlers[StateT, RowT], states: Mapping[str, StateT], now: datetime) -> None:
        self._table = {on.data_type: on.handle for on in handlers}
        self._states = states
        self._current = dict(states)
        self._rows: dict[str, list[RowT]] = {}
        self._now = now
        self._folded: Folded[StateT, RowT] = Folded([], [], [], [])

    def apply(self, event: Event[EventData]) -> None:
        """Apply `event`; if its handler raises, the event is refused and changes nothing."""
        key = event.subject
        try:
            decided = self._table[type(event.data)](self._current[key], event, self._now)
        except Exception as error:  # noqa: BLE001 - one event that breaks its handler must not block the others
            self._folded.refused.append((event, error))
            return
        self._current[key] = decided.state
        if decided.is_changed or decided.rows:
            self._rows.setdefault(key, []).extend(decided.rows)
        self._folded.publish.extend(decided.publish)
        self._folded.outcomes.append((event, decided.is_changed))

    def result(self) -> Folded[StateT, RowT]:
        """Return what the applied events lead to."""
        self._folded.changes.extend(
            StateChange(key, self._states[key], self._current[key], tuple(rows)) for key, rows in self._rows.items()
        )
        return self._folded
