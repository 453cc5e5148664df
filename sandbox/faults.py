"""Faults that can be switched on and off while a sandbox server runs, each for some calls or until further notice."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """Something that goes wrong with the next `times` calls it fits; without `times`, until it is switched off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    times: int | None = Field(default=None, ge=1)

    @property
    def details(self) -> dict[str, Any]:
        """What else is said of the fault, beside its kind and its number."""
        return self.model_dump(mode="json", exclude={"kind", "times"}, exclude_defaults=True)


FaultT = TypeVar("FaultT", bound=Fault)


class FaultInjector(Generic[FaultT]):
    """The faults that are switched on, in order; the first one that fits a call is the one that happens."""

    def __init__(self) -> None:
        self.faults: tuple[FaultT, ...] = ()

    def switch_on(self, fault: FaultT) -> None:
        """Adds `fault` behind those already switched on."""
        self.faults = (*self.faults, fault)

    def switch_off(self, place: int) -> None:
        """Removes the fault at `place`, counted from 0; one that has run out meanwhile is no error."""
        self.faults = tuple(fault for at, fault in enumerate(self.faults) if at != place)

    def replace(self, faults: Sequence[FaultT]) -> None:
        """Exactly `faults` are switched on from now on."""
        self.faults = tuple(faults)

    def take(self, fits: Callable[[FaultT], bool]) -> FaultT | None:
        """The first fault that fits, counted down and gone after its last time; None where all is well."""
        for place, fault in enumerate(self.faults):
            if fits(fault):
                self._count_down(place, fault)
                return fault
        return None

    def _count_down(self, place: int, fault: FaultT) -> None:
        if fault.times is None:
            return
        left = (fault.model_copy(update={"times": fault.times - 1}),) if fault.times > 1 else ()
        self.faults = (*self.faults[:place], *left, *self.faults[place + 1 :])
