"""When calls to an ERP are suspended, and how they resume."""

from datetime import timedelta

from services.exporter.rules.circuit import (
    Circuit,
    earliest_call,
    free_calls,
    record_answer,
    record_missed_call,
    start_trial,
)
from tests.unit.exporter.builders import NOW

PAUSE = timedelta(seconds=10)


def opened() -> Circuit:
    circuit = Circuit()
    for _ in range(3):
        circuit = record_missed_call(circuit, NOW, 3, 10)
    return circuit


def test_a_closed_circuit_allows_as_many_calls_as_the_limit_leaves() -> None:
    assert free_calls(Circuit(), 3, 16, NOW) == 13
    assert free_calls(Circuit(), 20, 16, NOW) == 0


def test_a_circuit_opens_after_max_missed_calls_in_a_row() -> None:
    assert record_missed_call(record_missed_call(Circuit(), NOW, 3, 10), NOW, 3, 10).open_since is None
    assert opened().open_since == NOW


def test_an_open_circuit_puts_a_call_off_until_its_trial() -> None:
    assert earliest_call(Circuit(), NOW) == NOW
    assert earliest_call(opened(), NOW) == NOW + PAUSE
    assert earliest_call(opened(), NOW + 2 * PAUSE) == NOW + 2 * PAUSE


def test_an_answer_in_between_resets_the_count() -> None:
    circuit = record_answer(record_missed_call(record_missed_call(Circuit(), NOW, 3, 10), NOW, 3, 10), NOW)

    assert record_missed_call(circuit, NOW, 3, 10).open_since is None


def test_an_open_circuit_allows_one_trial_after_its_pause() -> None:
    assert free_calls(opened(), 0, 16, NOW) == 0
    assert free_calls(opened(), 0, 16, NOW + PAUSE) == 1
    assert free_calls(start_trial(opened(), NOW + PAUSE, 60), 0, 16, NOW + PAUSE) == 0


def test_a_failed_trial_keeps_the_circuit_open_and_starts_another_pause() -> None:
    circuit = record_missed_call(start_trial(opened(), NOW + PAUSE, 60), NOW + PAUSE, 3, 10)

    assert circuit.open_since == NOW
    assert free_calls(circuit, 0, 16, NOW + PAUSE) == 0
    assert free_calls(circuit, 0, 16, NOW + 2 * PAUSE) == 1


def test_a_successful_trial_closes_the_circuit() -> None:
    closed = record_answer(opened(), NOW + PAUSE)

    assert (closed.open_since, closed.missed_calls, closed.last_contact) == (None, 0, NOW + PAUSE)


def test_a_closed_circuit_needs_no_trial() -> None:
    assert start_trial(Circuit(), NOW, 60) == Circuit()


def test_last_contact_is_not_updated_for_every_answer() -> None:
    circuit = record_answer(Circuit(), NOW)

    assert record_answer(circuit, NOW + timedelta(seconds=1)) == circuit
    assert record_answer(circuit, NOW + timedelta(seconds=5)) != circuit
