"""How much is measured: the full plan, and one for a first look."""

from dataclasses import dataclass

SECTIONS = ("throughput", "latency", "million", "drain", "exports", "doubt")


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of everything."""

    sections: tuple[str, ...] = SECTIONS
    rounds: int = 3
    events: int = 50_000
    limit_seconds: float = 20
    """A contender that has not done all events by then is measured by those it has done."""
    rates: tuple[float, ...] = (50, 200, 1000)
    warm_up_seconds: float = 3
    paced_seconds: float = 10
    stock: int = 1_000_000
    drain_events: int = 200_000
    exports: int = 400
    started_exports: int = 400
    starts_per_second: float = 20
    """Half of what the ERP can take."""
    doubted_exports: int = 30
    late_seconds: tuple[float, ...] = (0.5, 0.9, 1.1, 2.0, 6.0)


FULL = Plan()
QUICK = Plan(
    sections=("throughput", "latency"),
    rounds=1,
    events=20_000,
    limit_seconds=3,
    rates=(200,),
    warm_up_seconds=1,
    paced_seconds=2,
    stock=20_000,
    drain_events=20_000,
)
