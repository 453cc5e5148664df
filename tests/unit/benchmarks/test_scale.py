"""The queueing model answers what queueing theory does where that has an answer, and repeats itself."""

from pathlib import Path

import pytest

from benchmarks import scale
from benchmarks.costs import COSTS, Costs, Plan
from benchmarks.scale_model import Costs as ModelCosts
from benchmarks.scale_model import ErpKind, Load, Scenario, breaks_at, simulate

PARTS = ("approval", "exporter", "notifier", "digest", "postgres", "kafka")
FREE = ModelCosts(cpu_s=dict.fromkeys(PARTS, 0.0), transit_s=0.0)


def load(per_second: float, *, companies: int = 1, together: float = 1.0) -> Load:
    return Load(
        companies=companies,
        commitments_per_month=per_second * 3600,
        size_exponent=1.0,
        peak_day_share=1,
        peak_hour_share=1,
        accepted_together=together,
    )


def erp(seconds: float = 0.5, places: int = 1, *, per_minute: int | None = None) -> ErpKind:
    return ErpKind(
        name="bench", share=1, call_seconds=seconds, spread=0, max_in_flight=places, calls_per_minute=per_minute
    )


def scenario(given: Load, kind: ErpKind, costs: ModelCosts = FREE, seconds: float = 20_000) -> Scenario:
    return Scenario(load=given, erps=(kind,), parts=dict.fromkeys(PARTS, 1), costs=costs, seconds=seconds)


def test_without_a_queue_an_export_takes_its_two_calls_and_the_way() -> None:
    costs = ModelCosts(cpu_s=FREE.cpu_s, transit_s=0.25)
    outcome = simulate(scenario(load(0.01), erp(0.5, places=50), costs))

    assert {round(each, 6) for each in outcome.all_latencies_s} == {1.25}


def test_a_single_place_waits_as_theory_says() -> None:
    """M/D/1 with half of the places taken: the mean wait is rho / (2 (1 - rho)) services, which is 0.5 s here."""
    seconds = simulate(scenario(load(0.5), erp(0.5))).all_latencies_s

    assert sum(seconds) / len(seconds) == pytest.approx(1.5, rel=0.05)


def test_more_than_an_erp_can_take_waits_and_is_reported() -> None:
    outcome = simulate(scenario(load(2.0), erp(0.5), seconds=1_000))

    assert outcome.waiting == pytest.approx(1_000, rel=0.15)  # 2 a second come, and 1 can be done
    assert (outcome.erps_full, outcome.erps) == (1, 1)


def test_a_limit_of_calls_is_what_an_erp_takes_in_the_long_run() -> None:
    outcome = simulate(scenario(load(5.0), erp(0.2, places=50, per_minute=60), seconds=3_600))

    assert len(outcome.all_latencies_s) == pytest.approx(60 * (60 - 6) / 2, rel=0.05)


def test_what_is_accepted_together_waits_for_each_other() -> None:
    alone, together = (simulate(scenario(load(0.1, together=count), erp(0.5))).all_latencies_s for count in (1, 20))

    assert together[len(together) // 2] > 2 * alone[len(alone) // 2]


def test_parts_are_as_busy_as_their_costs_say() -> None:
    costs = ModelCosts(cpu_s=FREE.cpu_s | {"approval": 0.05, "postgres": 0.02}, transit_s=0.0)
    given = scenario(load(4.0), erp(0.3, places=50), costs, seconds=5_000)
    outcome = simulate(given)

    assert outcome.utilisation["approval"] == pytest.approx(0.2, rel=0.05)
    assert outcome.utilisation["postgres"] == pytest.approx(0.08, rel=0.05)
    assert outcome.busiest == "approval"
    assert breaks_at(given)["approval"] == pytest.approx(3.5)
    assert breaks_at(given)["kafka"] == float("inf")


def test_more_companies_have_the_same_sizes_and_the_same_seed_the_same_end() -> None:
    one, ten = load(1.0, companies=100), load(1.0, companies=100).times(10)
    given = scenario(ten, erp(0.2, places=16), seconds=300)

    assert (ten.companies, ten.per_second) == (1_000, 10 * one.per_second)
    assert simulate(given, 7).all_latencies_s == simulate(given, 7).all_latencies_s
    assert simulate(given, 7).all_latencies_s != simulate(given, 8).all_latencies_s


def measured(**plan: float) -> Costs:
    return Costs(
        machine="a machine",
        cores=2,
        plan=Plan(**{"commitments": 100, "per_second": 2.0, "call_seconds": 0.2} | plan),  # type: ignore[arg-type]
        cpu_s=dict.fromkeys(PARTS, 0.01),
        idle_cpu_s=dict.fromkeys(PARTS, 0.01),
        wal_bytes=1.0,
        table_bytes=1.0,
        kafka_bytes=1.0,
        sessions={},
        memory_mb={},
        latencies_s=[0.5] * 100,
    )


def test_the_time_on_the_way_is_what_calls_and_cpu_leave_of_the_median() -> None:
    costs = scale.costs_of(measured())

    assert costs.transit_s == pytest.approx(0.5 - 0.4 - 0.01 * (0.5 + 0.4 + 0.5 + 0.5 + 0.5 + 0.3))


def test_the_command_predicts_a_run_and_simulates_the_stated_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, missing = tmp_path / "costs.json", tmp_path / "missing.json"
    path.write_bytes(COSTS.dump_json(measured()))
    small = tmp_path / "load.toml"
    small.write_text(scale.LOAD.read_text().replace("= 30000", "= 30").replace("companies = 100", "companies = 3"))

    assert scale.main(["--costs", str(path), "--check", str(path)]) == 0
    assert "| p50, s | 0.50 | 0.50 |" in capsys.readouterr().out
    assert scale.main(["--costs", str(path), "--load", str(small)]) == 0
    assert "| 100 x | 300 |" in capsys.readouterr().out
    assert scale.main(["--costs", str(missing)]) == 1
    assert "python -m benchmarks.costs --json" in capsys.readouterr().err
