"""Simulates the busiest hour of a month at 1, 10 and 100 times a stated load, from measured costs.

The load is in benchmarks/scale_load.toml, the costs are what `python -m benchmarks.costs --json FILE` has measured.
`--check FILE` compares the model with another measured run instead. A Markdown table goes to standard output.
"""

import sys
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.costs import COSTS
from benchmarks.costs import Costs as Measured
from benchmarks.scale_model import CALLS, VISITS, Costs, ErpKind, Load, Outcome, Scenario, breaks_at, simulate
from benchmarks.spread import percentile

HERE = Path(__file__).parent
LOAD, MEASURED = HERE / "scale_load.toml", HERE / "scale_costs.json"
FACTORS = (1.0, 10.0, 100.0)
PERCENTILES = (50, 95, 99)
QUANTILES = tuple(f"p{each} s" for each in PERCENTILES)
HEAD = ("load", "companies", "accepted", *QUANTILES, "still waiting", "ERPs at their limit")


def costs_of(measured: Measured) -> Costs:
    """Return the costs for the model; what the median took besides calls and CPU is time on the way."""
    cpu_s = dict(measured.cpu_s)
    on_the_way = sum(cpu_s[part] * share for stage in ("begin", "settle") for part, share in VISITS[stage])
    median = percentile(measured.latencies_s, 50)
    return Costs(cpu_s=cpu_s, transit_s=max(median - CALLS * measured.plan.call_seconds - on_the_way, 0.0))


def scenario_of(text: str, costs: Costs) -> Scenario:
    """Return the scenario in a file such as scale_load.toml."""
    given: dict[str, Any] = tomllib.loads(text)
    return Scenario(load=given["load"], erps=given["erp"], parts=given["parts"], costs=costs)


def scenario_of_run(run: Measured, costs: Costs) -> Scenario:
    """Return the scenario of a measured run: one company with one ERP, and the cores that its machine had."""
    plan, cores = run.plan, run.cores
    hours = plan.commitments / plan.per_second / 3600
    load = Load(
        companies=1,
        commitments_per_month=plan.per_second * 3600,
        size_exponent=0,
        peak_day_share=1,
        peak_hour_share=1,
        accepted_together=1,
        is_even=True,
    )
    erp = ErpKind(name="bench", share=1, call_seconds=plan.call_seconds, spread=0, max_in_flight=plan.max_in_flight)
    parts = dict.fromkeys(costs.cpu_s, 1) | {"postgres": cores, "kafka": cores}
    return Scenario(load=load, erps=(erp,), parts=parts, costs=costs, seconds=hours * 3600)


def factors_table(scenario: Scenario, seed: int) -> str:
    """Return what each factor leads to, with the same parts, and where each part is at its limit."""
    outcomes = {
        f"{factor:g} x": simulate(scenario.model_copy(update={"load": scenario.load.times(factor)}), seed)
        for factor in FACTORS
    }
    busiest = "; ".join(f"at {load} {outcome.busiest}" for load, outcome in outcomes.items())
    return "\n\n".join(
        [
            _table(HEAD, [_row(load, outcome) for load, outcome in outcomes.items()]),
            _table(("load", "kind of ERP", *QUANTILES), _of_kinds(outcomes)),
            _table(("part (how many)", *(f"at {load}" for load in outcomes), "70 % at"), _used(scenario, outcomes)),
            f"The busiest part of ours: {busiest}.",
        ]
    )


def _of_kinds(outcomes: Mapping[str, Outcome]) -> Iterator[Sequence[str]]:
    for load, outcome in outcomes.items():
        for kind, seconds in outcome.latencies_s.items():
            yield load, kind, *(_seconds(sorted(seconds), each) for each in PERCENTILES)


def _used(scenario: Scenario, outcomes: Mapping[str, Outcome]) -> Iterator[Sequence[str]]:
    limits = breaks_at(scenario)
    for part, count in scenario.parts.items():
        busy = [f"{outcome.utilisation[part]:.1%}" for outcome in outcomes.values()]
        yield f"{part} ({count})", *busy, f"{limits[part]:,.0f} x"


def check_table(measured: Measured, run: Measured, seed: int) -> str:
    """Return the measured latencies of `run` beside those that the model predicts from the costs of `measured`."""
    outcome = simulate(scenario_of_run(run, costs_of(measured)), seed)
    rows = [
        (f"p{each}, s", f"{percentile(run.latencies_s, each):.2f}", _seconds(outcome.all_latencies_s, each))
        for each in PERCENTILES
    ]
    plan = run.plan
    about = (
        f"{plan.commitments} commitments, {plan.per_second:g} a second, an ERP that takes {plan.call_seconds:g} s for "
        f"each of at most {plan.max_in_flight} calls at a time:"
    )
    return f"{about}\n\n{_table(('acceptance to document', 'measured', 'predicted'), rows)}"


def _row(load: str, outcome: Outcome) -> Sequence[str]:
    seconds = outcome.all_latencies_s
    return (
        load,
        f"{outcome.erps:,}",
        f"{outcome.accepted:,}",
        *(_seconds(seconds, each) for each in PERCENTILES),
        f"{outcome.waiting:,}",
        f"{outcome.erps_full:,}",
    )


def _seconds(ordered: Sequence[float], percent: float) -> str:
    return f"{percentile(ordered, percent):.2f}" if ordered else "–"  # noqa: RUF001 - a dash in a table


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate what the arguments say; return 0, or 1 if there are no measured costs."""
    wanted = _wanted(arguments)
    if not wanted.costs.exists():
        sys.stderr.write(
            f"{wanted.costs} is missing. Measure first: python -m benchmarks.costs --json {wanted.costs}\n"
        )
        return 1
    measured = COSTS.validate_json(wanted.costs.read_bytes())
    if wanted.check:
        print(check_table(measured, COSTS.validate_json(wanted.check.read_bytes()), wanted.seed))
    else:
        print(factors_table(scenario_of(wanted.load.read_text(), costs_of(measured)), wanted.seed))
    return 0


def _wanted(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--load", type=Path, default=LOAD, metavar="FILE", help="another load")
    parser.add_argument("--costs", type=Path, default=MEASURED, metavar="FILE", help="other costs")
    parser.add_argument("--check", type=Path, metavar="FILE", help="compare with this run of benchmarks.costs")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
