"""The tables show medians and spreads, and say so where a contender has no figure."""

import json

from benchmarks.measured import COUNTERSIGN, LIMIT, LOOP, Exports, LateAnswers, Results, Window
from benchmarks.report import as_json, as_markdown
from tests.unit.benchmarks.samples import latency, throughput


def row_of(table: str, title: str) -> list[str]:
    [line] = [line for line in table.splitlines() if line.startswith(f"| {title} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_rate_is_the_median_of_the_rounds_with_both_ends() -> None:
    rounds = [throughput(COUNTERSIGN, rate) for rate in (4000, 6000, 5000)]

    assert row_of(as_markdown(Results(throughput=rounds)), "Countersign")[1] == "5,000 (4,000 to 6,000)"


def test_one_round_has_no_spread() -> None:
    table = as_markdown(Results(throughput=[throughput(COUNTERSIGN, 5000)]))

    assert row_of(table, "Countersign")[1] == "5,000"


def test_ratios_are_taken_within_each_round() -> None:
    fast_machine = [throughput(COUNTERSIGN, 6000), throughput(LOOP, 600), throughput(LIMIT, 8000)]
    slow_machine = [throughput(COUNTERSIGN, 3000), throughput(LOOP, 300), throughput(LIMIT, 4000)]
    table = as_markdown(Results(throughput=[*fast_machine, *slow_machine]))

    assert row_of(table, "Countersign")[2:4] == ["10.0", "0.75"]


def test_without_the_loop_there_is_no_ratio_to_it() -> None:
    table = as_markdown(Results(throughput=[throughput(COUNTERSIGN, 5000)]))

    assert row_of(table, "Countersign")[2:4] == ["-", "-"]


def test_cpu_time_is_given_for_a_thousand_events() -> None:
    table = as_markdown(Results(throughput=[throughput(COUNTERSIGN, 5000, cpu_seconds=0.2)]))

    assert row_of(table, "Countersign")[4:] == ["0.200", "0.100", "0.050", "100 MB"]


def test_a_contender_that_fell_behind_in_one_round_does_not_keep_up() -> None:
    table = as_markdown(Results(latency=[latency(COUNTERSIGN, 10), latency(LOOP, 5), latency(LOOP, None)]))

    assert row_of(table, "Countersign")[2:] == ["10.0", "20.0", "40.0"]
    assert row_of(table, "Per-message loop")[2:] == ["does not keep up"] * 3


def test_a_contender_that_was_spared_a_rate_does_not_keep_up_with_it() -> None:
    table = as_markdown(Results(latency=[latency(COUNTERSIGN, 10, rate=1000), latency(LOOP, None, rate=200)]))

    assert "| Per-message loop | 1,000 | does not keep up |" in table


def test_a_full_database_is_compared_with_the_empty_one_of_the_same_round() -> None:
    empty = [throughput(COUNTERSIGN, 6000), throughput(COUNTERSIGN, 3000)]
    full = [throughput(COUNTERSIGN, 5400), throughput(COUNTERSIGN, 2700)]

    assert row_of(as_markdown(Results(empty=empty, million=full)), "full")[2] == "0.90 (0.90 to 0.90)"


def test_only_measured_sections_have_a_table() -> None:
    assert "events/s" not in as_markdown(Results())


def test_the_json_has_every_measurement() -> None:
    written = json.loads(as_json(Results(drain=[throughput(COUNTERSIGN, 5000)])))

    assert written["drain"][0]["contender"] == COUNTERSIGN
    assert written["machine"]


def test_the_rate_of_exports_stands_beside_the_ideal_one() -> None:
    rates = [Exports(400, rate, 40) for rate in (36.0, 38.0, 37.0)]
    table = as_markdown(Results(exports=rates, starts=[Window(400, 12, 40, 60)]))

    assert row_of(table, "400")[1:] == ["37.0 (36.0 to 38.0)", "92 % (90 % to 95 %)", "12", "40"]


def test_late_answers_are_listed_with_the_documents_that_are_there_twice() -> None:
    table = as_markdown(Results(late_answers=[LateAnswers(0.5, 1, 30, 0), LateAnswers(6, 1, 30, 30)]))

    assert row_of(table, "0.5")[1:] == ["1", "30", "0"]
    assert row_of(table, "6")[1:] == ["1", "30", "30"]


def test_the_time_between_question_and_write_is_given_in_milliseconds() -> None:
    assert row_of(as_markdown(Results(windows=[Window(400, 3.14, 9, 12)])), "400")[1:] == ["3.1", "9.0", "12.0"]
