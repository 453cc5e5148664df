"""A queueing model of the way from acceptance to document: parts with measured costs, and ERPs with limits."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Annotated, Any

import simpy
from pydantic import BaseModel, ConfigDict, Field

CALLS = 2
"""A question and a write."""
SHORTEST_CALL, LONGEST_CALL = 0.2, 10.0
VISITS: Mapping[str, tuple[tuple[str, float], ...]] = {
    "begin": (("approval", 0.5), ("postgres", 0.4), ("kafka", 0.5), ("exporter", 0.5)),
    "settle": (("exporter", 0.5), ("postgres", 0.3)),
    "afterwards": (("kafka", 0.5), ("approval", 0.5), ("postgres", 0.3), ("notifier", 1.0), ("digest", 1.0)),
}
"""Which share of its cost a commitment has in each part, before the calls, after them, and when it is in the ERP."""


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Load(_Typed):
    """What comes in."""

    companies: Annotated[int, Field(ge=1)]
    commitments_per_month: Annotated[float, Field(gt=0)]
    size_exponent: float
    peak_day_share: Annotated[float, Field(gt=0, le=1)]
    peak_hour_share: Annotated[float, Field(gt=0, le=1)]
    accepted_together: Annotated[float, Field(ge=1)]
    is_even: bool = False
    """Whether acceptances come at an even pace, as a benchmark makes them, and not by chance."""

    @property
    def per_second(self) -> float:
        """How many are accepted in a second of the busiest hour."""
        return self.commitments_per_month * self.peak_day_share * self.peak_hour_share / 3600

    def times(self, factor: float) -> "Load":
        """Return so many times as many companies of the same sizes."""
        return self.model_copy(
            update={
                "companies": round(self.companies * factor),
                "commitments_per_month": self.commitments_per_month * factor,
            }
        )


class ErpKind(_Typed):
    """A kind of ERP, and how many of all are of it."""

    name: str
    share: Annotated[float, Field(gt=0, le=1)]
    call_seconds: Annotated[float, Field(gt=0)]
    spread: Annotated[float, Field(ge=0)]
    max_in_flight: Annotated[int, Field(ge=1)]
    calls_per_minute: int | None = None


class Costs(_Typed):
    """CPU seconds that one commitment takes of each part, and the time on the way that takes nobody's CPU."""

    cpu_s: Mapping[str, float]
    transit_s: float


class Scenario(_Typed):
    """Everything that a simulation depends on, but chance."""

    load: Load
    erps: Annotated[tuple[ErpKind, ...], Field(min_length=1)]
    parts: Mapping[str, int]
    costs: Costs
    seconds: float = 3600.0
    sizes_repeat: int = 100
    """After so many companies, their sizes begin again, so that more companies are not smaller ones."""


@dataclass(slots=True)
class Outcome:
    """What a simulation shows: seconds from acceptance to document by kind of ERP, and how busy each part was."""

    accepted: int = 0
    latencies_s: dict[str, list[float]] = field(default_factory=dict)
    waiting: int = 0
    utilisation: dict[str, float] = field(default_factory=dict)
    erps_full: int = 0
    erps: int = 0

    @property
    def all_latencies_s(self) -> list[float]:
        """All of them, sorted."""
        return sorted(each for kind in self.latencies_s.values() for each in kind)

    @property
    def busiest(self) -> str:
        """The part of ours that has the least to spare."""
        return max(self.utilisation, key=self.utilisation.__getitem__)


class _Part:
    """Processes of a service, or cores of a server: each works on one thing at a time."""

    def __init__(self, env: simpy.Environment, capacity: int) -> None:
        self._env = env
        self._resource = simpy.Resource(env, capacity)
        self._capacity = capacity
        self._busy_s = 0.0

    def work(self, seconds: float) -> Iterator[Any]:
        with self._resource.request() as turn:
            yield turn
            yield self._env.timeout(seconds)
        self._busy_s += seconds

    def utilisation(self, seconds: float) -> float:
        return self._busy_s / (seconds * self._capacity)


class _Erp:
    """One company's ERP: places for calls, and perhaps a limit of calls in a minute, with a burst of a tenth."""

    def __init__(self, env: simpy.Environment, kind: ErpKind, chance: random.Random) -> None:
        self.kind = kind
        self.places = simpy.Resource(env, kind.max_in_flight)
        self.busy_s = 0.0
        self._env = env
        self._chance = chance
        self._free_at = 0.0

    def call(self) -> Iterator[Any]:
        yield self._env.timeout(self._pause())
        seconds = self._chance.lognormvariate(log(self.kind.call_seconds), self.kind.spread)
        yield self._env.timeout(min(max(seconds, SHORTEST_CALL), LONGEST_CALL) if self.kind.spread else seconds)

    def _pause(self) -> float:
        """How long a call has to wait for its turn within the minute."""
        if self.kind.calls_per_minute is None:
            return 0.0
        burst = max(self.kind.calls_per_minute // 10, CALLS)
        every = 60.0 / (self.kind.calls_per_minute - burst)
        self._free_at = max(self._free_at, self._env.now - burst * every) + every
        return max(self._free_at - self._env.now, 0.0)


class _Simulation:
    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._chance = random.Random(seed)  # noqa: S311 - a simulation has to be repeatable
        self._env = simpy.Environment()
        self._parts = {name: _Part(self._env, count) for name, count in scenario.parts.items()}
        self._erps = [self._erp(number) for number in range(scenario.load.companies)]
        self.outcome = Outcome(latencies_s={each.name: [] for each in scenario.erps}, erps=len(self._erps))

    def run(self) -> Outcome:
        seconds = self._scenario.seconds
        for erp, rate in zip(self._erps, self._rates(), strict=True):
            self._env.process(self._accepting(erp, rate))
        self._env.run(until=seconds)
        self.outcome.utilisation = {name: each.utilisation(seconds) for name, each in self._parts.items()}
        full = [each for each in self._erps if each.busy_s / (seconds * each.kind.max_in_flight) > FULL]
        self.outcome.erps_full = len(full)
        return self.outcome

    def _erp(self, number: int) -> _Erp:
        kinds, repeat = self._scenario.erps, self._scenario.sizes_repeat
        weights = [each.share for each in kinds]
        # by the number within the sizes, so that each factor has the same mixture
        kind = random.Random(number % repeat).choices(kinds, weights)[0]  # noqa: S311 - as above
        return _Erp(self._env, kind, self._chance)

    def _rates(self) -> Sequence[float]:
        """Acceptances of each company in a second."""
        load, repeat = self._scenario.load, self._scenario.sizes_repeat
        sizes = [1 / (1 + number % repeat) ** load.size_exponent for number in range(load.companies)]
        return [load.per_second * size / sum(sizes) for size in sizes]

    def _accepting(self, erp: _Erp, rate: float) -> Iterator[Any]:
        load = self._scenario.load
        together = load.accepted_together
        while True:
            pause = together / rate
            yield self._env.timeout(pause if load.is_even else self._chance.expovariate(1 / pause))
            count = 1 if together == 1 else min(1 + int(self._chance.expovariate(1 / (together - 0.5))), 50)
            for _ in range(count):
                self.outcome.accepted += 1
                self.outcome.waiting += 1
                self._env.process(self._commitment(erp))

    def _commitment(self, erp: _Erp) -> Iterator[Any]:
        accepted_at = self._env.now
        yield from self._visit("begin")
        yield self._env.timeout(self._scenario.costs.transit_s)
        with erp.places.request() as place:
            yield place
            began_at = self._env.now
            for _ in range(CALLS):
                yield from erp.call()
            yield from self._visit("settle")
            erp.busy_s += self._env.now - began_at
        self.outcome.waiting -= 1
        self.outcome.latencies_s[erp.kind.name].append(self._env.now - accepted_at)
        yield from self._visit("afterwards")

    def _visit(self, stage: str) -> Iterator[Any]:
        for part, share in VISITS[stage]:
            yield from self._parts[part].work(self._scenario.costs.cpu_s[part] * share)


FULL = 0.9
"""An ERP whose places are taken for so much of the hour is at its limit."""


def simulate(scenario: Scenario, seed: int = 1) -> Outcome:
    """Return what happens in the hour; the same for the same scenario and seed."""
    return _Simulation(scenario, seed).run()


def breaks_at(scenario: Scenario, limit: float = 0.7) -> Mapping[str, float]:
    """Return for each part how many times the load brings it to `limit` of its capacity, by its cost alone."""
    per_second = scenario.load.per_second
    return {
        name: limit * count / (per_second * scenario.costs.cpu_s[name]) if scenario.costs.cpu_s[name] else float("inf")
        for name, count in scenario.parts.items()
    }
