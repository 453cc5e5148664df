"""Faults that are switched on and off while a sandbox server runs, for a number of calls or until switched off."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """Makes the next `times` matching calls fail; without `times`, all of them until it is switched off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    times: int | None = Field(default=None, ge=1)

    @property
    def details(self) -> dict[str, Any]:
        """The fault's other settings, for its row on the page."""
        return self.model_dump(mode="json", exclude={"kind", "times"}, exclude_defaults=True)


FaultT = TypeVar("FaultT", bound=Fault)


class FaultInjector(Generic[FaultT]):
    """The faults that are switched on, in order; a call is hit by the first one that matches it."""

    def __init__(self) -> None:
        self.faults: tuple[FaultT, ...] = ()

    def switch_on(self, fault: FaultT) -> None:
        """Add `fault` after those already switched on."""
        self.faults = (*self.faults, fault)

    def switch_off(self, place: int) -> None:
        """Remove the fault at index `place`; one that is already used up is not an error."""
        self.faults = tuple(fault for at, fault in enumerate(self.faults) if at != place)

    def replace(self, faults: Sequence[FaultT]) -> None:
        """Switch on exactly `faults`."""
        self.faults = tuple(faults)

    def take(self, matches: Callable[[FaultT], bool]) -> FaultT | None:
        """Use up one call of the first fault that `matches`, and return the fault; None if there is none."""
        for place, fault in enumerate(self.faults):
            if matches(fault):
                self._count_down(place, fault)
                return fault
        return None

    def _count_down(self, place: int, fault: FaultT) -> None:
        if fault.times is None:
            return
        left = (fault.model_copy(update={"times": fault.times - 1}),) if fault.times > 1 else ()
        self.faults = (*self.faults[:place], *left, *self.faults[place + 1 :])
