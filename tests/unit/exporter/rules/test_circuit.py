"""When calls to an ERP are suspended, and how they resume."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.exporter.rules.circuit import Circuit, free_calls, record_answer, record_missed_call, start_trial
from services.exporter.rules.policy import RetryPolicy, backoff_seconds
from tests.unit.exporter.builders import NOW

PAUSE = timedelta(seconds=10)


def opened() -> Circuit:
    circuit = Circuit()
    for _ in range(3):
        circuit = record_missed_call(circuit, NOW, 3, 10)
    return circuit


def test_a_closed_circuit_grants_what_the_limit_leaves() -> None:
    assert free_calls(Circuit(), 3, 16, NOW) == 13
    assert free_calls(Circuit(), 20, 16, NOW) == 0


def test_a_circuit_opens_after_so_many_missed_calls_in_a_row() -> None:
    assert record_missed_call(record_missed_call(Circuit(), NOW, 3, 10), NOW, 3, 10).open_since is None
    assert opened().open_since == NOW


def test_an_answer_in_between_starts_the_count_afresh() -> None:
    circuit = record_answer(record_missed_call(record_missed_call(Circuit(), NOW, 3, 10), NOW, 3, 10), NOW)

    assert record_missed_call(circuit, NOW, 3, 10).open_since is None


def test_an_open_circuit_grants_one_trial_after_its_pause() -> None:
    assert free_calls(opened(), 0, 16, NOW) == 0
    assert free_calls(opened(), 0, 16, NOW + PAUSE) == 1
    assert free_calls(start_trial(opened(), NOW + PAUSE, 60), 0, 16, NOW + PAUSE) == 0


def test_a_failed_trial_keeps_it_open_since_the_beginning_and_pauses_again() -> None:
    circuit = record_missed_call(start_trial(opened(), NOW + PAUSE, 60), NOW + PAUSE, 3, 10)

    assert circuit.open_since == NOW
    assert free_calls(circuit, 0, 16, NOW + PAUSE) == 0
    assert free_calls(circuit, 0, 16, NOW + 2 * PAUSE) == 1


def test_a_successful_trial_closes_it() -> None:
    closed = record_answer(opened(), NOW + PAUSE)

    assert (closed.open_since, closed.missed_calls, closed.last_contact) == (None, 0, NOW + PAUSE)


def test_a_closed_circuit_is_not_touched_by_a_trial() -> None:
    assert start_trial(Circuit(), NOW, 60) == Circuit()


def test_contacts_in_quick_succession_change_nothing() -> None:
    circuit = record_answer(Circuit(), NOW)

    assert record_answer(circuit, NOW + timedelta(seconds=1)) == circuit
    assert record_answer(circuit, NOW + timedelta(seconds=5)) != circuit


@given(st.integers(1, 1_000_000), st.floats(0.1, 10), st.floats(10, 1_000))
def test_delays_double_and_never_exceed_their_limit(attempt: int, first: float, most: float) -> None:
    delay = backoff_seconds(attempt, first, most)

    assert first <= delay <= most
    assert backoff_seconds(attempt + 1, first, most) in (most, 2 * delay)


def test_the_first_probe_comes_after_its_own_delay() -> None:
    policy = RetryPolicy(first_probe_seconds=2)

    assert [policy.probe_delay(probes).total_seconds() for probes in range(3)] == [2, 4, 8]
